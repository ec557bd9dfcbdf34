#!/usr/bin/env bash
# What it costs to list 100,000 Pods of a live API server in pages, through the real client.
#
#   benches/live-lists.sh [COUNT]
#
# Starts a small API server on the loopback network. Prints CPU seconds (user + system) and peak memory of the scan; with
# kubectl on the path, also what `kubectl get pods -A -o json` needs for the same.
set -euo pipefail
count=${1:-100000}
cd "$(dirname "$0")/.."
mkdir -p target/bench-live/workspace
work=$(realpath target/bench-live)
port=18445

cargo build --quiet --release --bin proofbook
proofbook=${CARGO_TARGET_DIR:-target}/release/proofbook
cat > "$work/kubeconfig" <<EOF
apiVersion: v1
kind: Config
current-context: bench
clusters: [{name: bench, cluster: {server: "http://127.0.0.1:$port"}}]
users: [{name: bench, user: {}}]
contexts: [{name: bench, context: {cluster: bench, user: bench}}]
EOF
printf 'workspace: bench\nenvironments:\n  prod:\n    kubernetes: {kubeconfig: ../kubeconfig}\n' > "$work/workspace/proofbook.yaml"
python3 benches/live-lists.py $port "$count" & server=$!
trap 'kill $server' EXIT
until python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2> "$work/waiting"; do sleep 1; done

measure() {
  local what=$1
  shift
  rm -rf "$work/workspace/evidence"
  /usr/bin/time -f '%U %S %M' -o "$work/time" "$@" > "$work/stdout" 2> "$work/stderr" || [ $? -ne 2 ] || { cat "$work/stderr" >&2; exit 1; }
  awk -v what="$what" '{ printf "%-32s %6.2f s CPU  %7.1f MB\n", what, $1 + $2, $3 / 1024 }' <(tail -n 1 "$work/time")
}
measure "proofbook scan, $count Pods" "$proofbook" scan -C "$work/workspace" --check workload-no-hostpath --quiet
if command -v kubectl > "$work/kubectl"; then
  measure "kubectl get pods -A -o json" kubectl --kubeconfig "$work/kubeconfig" get pods -A -o json
fi
