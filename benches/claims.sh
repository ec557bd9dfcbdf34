#!/usr/bin/env bash
# What reading and typing the statements of many pages costs.
#
#   benches/claims.sh [PAGES] [PROGRAM]
#
# The pages are the labelled documents of tests/claims/tuning and those of the example platforms, in turn, each with its number in a
# sentence, so that no two are alike. Prints their size, CPU seconds (user + system) and peak memory; the best of three.
set -euo pipefail
pages=${1:-10000}
program=$(realpath "${2:-${CARGO_TARGET_DIR:-target}/release/proofbook}")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

documents=(tests/claims/tuning/*.md platforms/*/docs/*.md)
for ((page = 0; page < pages; page++)); do
  { cat "${documents[page % ${#documents[@]}]}"; printf '\nPage %d keeps its logs for %d days.\n' $page $((page % 400 + 1)); } \
    >"$work/page-$page.md"
done
for _ in 1 2 3; do
  /usr/bin/time -f '%U %S %M' -o "$work/time" "$program" docs claims "$work" --format json >/dev/null 2>"$work/told"
  tail -n 1 "$work/time"
done | awk -v size="$(cat "$work"/page-*.md | wc -c)" -v pages="$pages" '
  { cpu = $1 + $2; if (best == "" || cpu < best) { best = cpu; peak = $3 } }
  END { printf "%d pages, %.1f MB: %.2f s CPU, %.1f MB\n", pages, size / 1e6, best, peak / 1024 }'
tail -n 1 "$work/told"
