#!/usr/bin/env bash
# What reading and judging the dump of a large cluster costs, against parsing the same bytes into serde_json values.
#
#   benches/large-dump.sh DUMP
#   benches/large-dump.sh GENERATOR [SIZE]
#
# DUMP is a folder with the JSON that `kubectl get KIND -A -o json` prints. GENERATOR is generate_cluster.py, the script that makes
# clusters with known faults; SIZE is small, medium or large.
# Prints CPU seconds (user + system) and peak memory of each, and how many times the parsing each of them takes.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,9p' "$0" >&2; exit 2; }
generator=$(realpath "$1")
size=${2:-large}
cd "$(dirname "$0")/.."
work=target/bench-dump
mkdir -p "$work"

if [ -d "$generator" ]; then dump=$generator; else dump=$work/$size; fi
[ -d "$dump" ] || python3 "$generator" --size "$size" --format lists --out "$dump"
cargo build --quiet --release --bin proofbook
cargo build --quiet --release -p proofbook-sources --example parse --example findings
target=${CARGO_TARGET_DIR:-target}/release

# The settings that the generated clusters go by, as the end-to-end tests have them.
workspace=$work/workspace
mkdir -p "$workspace"
{ echo "workspace: bench"; sed -n '/^workspace:/,/^properties:/s/^  //p' tests/truth.yaml; } > "$workspace/proofbook.yaml"

# CPU seconds and peak KiB of a command; the best of three, as machines are noisy. A scan with findings ends with 1 or 3.
measure() {
  for _ in 1 2 3; do
    rm -rf "$workspace/evidence"
    /usr/bin/time -f '%U %S %M' -o "$work/time" "$@" > /dev/null 2> "$work/stderr" || [ $? -ne 2 ] || { cat "$work/stderr" >&2; exit 1; }
    tail -n 1 "$work/time"
  done | awk '{ cpu = $1 + $2; if (best == "" || cpu < best) { best = cpu; peak = $3 } } END { print best, peak }'
}

tell() { printf '%-44s %6.2f s CPU  %7.1f MB  %5.2f times parsing\n' "$1" "$2" "$(($3 / 1024))" "$(echo "$2 $parse" | awk '{ print $1 / $2 }')"; }

read -r parse peak < <(measure "$target/examples/parse" "$dump")
tell "parse to serde_json values" "$parse" "$peak"
read -r cpu peak < <(measure "$target/examples/findings" "$dump" "$workspace/proofbook.yaml")
tell "from file to findings" "$cpu" "$peak"
read -r cpu peak < <(measure "$target/proofbook" scan -C "$workspace" --dump "$dump" --quiet)
tell "proofbook scan, sealing included" "$cpu" "$peak"
