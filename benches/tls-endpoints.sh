#!/usr/bin/env bash
# What it costs to try every TLS version on 200 endpoints, to read every fact of their posture, and the same on 1,000; and how
# long a port takes that never answers.
#
#   benches/tls-endpoints.sh
#
# One nginx answers on 200 addresses of the loopback network. Prints CPU seconds (user + system), peak memory and elapsed
# time of a whole scan. Needs nginx, openssl and python3.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p target/bench-tls
work=$(realpath target/bench-tls)
port=18443 silent=18444

openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=bench.example -addext subjectAltName=DNS:bench.example \
  -keyout "$work/key.pem" -out "$work/cert.pem" 2> "$work/openssl.log"
cat > "$work/nginx.conf" <<EOF
daemon off;
pid $work/nginx.pid;
error_log $work/error.log;
worker_processes 1;
events { worker_connections 4096; }
http {
  access_log off;
  server {
    listen 0.0.0.0:$port ssl backlog=4096;
    ssl_certificate $work/cert.pem;
    ssl_certificate_key $work/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    return 204;
  }
}
EOF
cargo build --quiet --release --bin proofbook
proofbook=${CARGO_TARGET_DIR:-target}/release/proofbook
nginx -c "$work/nginx.conf" -p "$work" & server=$!
# Takes connections and never says a word.
python3 -c "
import socket, time
listening = socket.create_server(('127.0.0.1', $silent), backlog=64)
while True: time.sleep(60)" & mute=$!
trap 'kill $server $mute' EXIT
sleep 1

posture="tls-min-version tls-cipher-strength tls-session-protection tls-post-quantum tls-cert-valid"

# scan NAME WHAT CHECK...: scans the endpoints on stdin.
scan() {
  local name=$1 what=$2 checks=()
  shift 2
  for check in "$@"; do checks+=(--check "$check"); done
  set -- "$name" "$what"
  mkdir -p "$work/$1"
  { echo "workspace: bench"; printf 'environments:\n  prod:\n    tls:\n      endpoints:\n'; sed 's/^/        - /'; } > "$work/$1/proofbook.yaml"
  rm -rf "$work/$1/evidence"
  /usr/bin/time -f '%U %S %M %e' -o "$work/time" "$proofbook" scan -C "$work/$1" "${checks[@]}" --quiet > /dev/null 2> "$work/stderr" \
    || [ $? -ne 2 ] || { cat "$work/stderr" >&2; exit 1; }
  awk -v what="$2" '{ printf "%-32s %5.2f s CPU  %6.1f MB  %5.2f s elapsed\n", what, $1 + $2, $3 / 1024, $4 }' <(tail -n 1 "$work/time")
}

endpoints() { for number in $(seq 1 "$1"); do echo "127.0.$((number / 250)).$((number % 250 + 1)):$port"; done; }

endpoints 200 | scan versions "200 endpoints, every version" tls-min-version
# shellcheck disable=SC2086
endpoints 200 | scan many "200 endpoints, every fact" $posture
# shellcheck disable=SC2086
endpoints 1000 | scan more "1,000 endpoints, every fact" $posture
echo "127.0.0.1:$silent" | scan silent "a port that never answers" tls-min-version
