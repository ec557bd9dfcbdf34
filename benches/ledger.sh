#!/usr/bin/env bash
# A ledger with many runs: how long the state takes, how long another run takes to be added, beside the same in an empty ledger.
#
#   benches/ledger.sh [RUNS] [PROGRAM]
#
# The runs are manifests in a whole chain, made from one real one; the last runs are real.
set -euo pipefail
runs=${1:-10000}
program=$(realpath "${2:-${CARGO_TARGET_DIR:-target}/release/proofbook}")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for ledger in empty full; do
  mkdir "$work/$ledger"
  echo 'workspace: bench' >"$work/$ledger/proofbook.yaml"
done

timed() {
  local begun=$EPOCHREALTIME
  "$@" >/dev/null 2>&1 || true
  awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN {printf "%6.0f ms\n", (b - a) * 1000}'
}
scan() { "$program" scan -C "$work/$1" --dump tests/data/cluster-small --check pss-enforced --at "$2" --fail-on nothing; }
full() { "$program" scan -C "$work/$1" --dump tests/data/cluster-small --at "$2" --fail-on nothing; }

scan empty 2020-01-01T00:00:00Z >/dev/null 2>&1
python3 - "$work/empty/evidence/bench/default" "$work/full/evidence/bench/default" "$runs" <<'PY'
import datetime, hashlib, json, pathlib, sys
source, target, count = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
manifest = json.loads(next(source.glob("2*/manifest.json")).read_bytes())
canonical = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
run, previous = manifest["predicate"], None
for at in range(count):
    clock = datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=at)
    run.update(clock=clock.strftime("%Y-%m-%dT%H:%M:%SZ"), previous=previous, run_id="")
    run["run_id"] = clock.strftime("%Y%m%dT%H%M%SZ-") + hashlib.sha256(canonical(manifest)).hexdigest()[:8]
    folder = target / run["run_id"]
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(canonical(manifest))
    previous = hashlib.sha256(canonical(manifest)).hexdigest()
PY
echo "records of $runs runs made again:   $(timed "$program" log -C "$work/full" --limit 1)"
full full 2026-01-01T00:00:00Z >/dev/null 2>&1
full empty 2026-01-01T00:00:00Z >/dev/null 2>&1
for round in 1 2 3; do
  echo "one check, few runs beside it:     $(timed scan empty "2026-01-02T00:00:0${round}Z")"
  echo "one check, $runs runs beside it: $(timed scan full "2026-01-02T00:00:0${round}Z")"
  echo "status, few runs:                  $(timed "$program" status -C "$work/empty")"
  echo "status, $runs runs:              $(timed "$program" status -C "$work/full")"
  echo "log of the last 20, $runs runs:  $(timed "$program" log -C "$work/full")"
done
