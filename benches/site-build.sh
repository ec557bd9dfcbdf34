#!/usr/bin/env bash
# What building the documentation site costs, against `mdbook build` over the same chapters.
#
#   benches/site-build.sh [WORKSPACE] [ENVIRONMENT]
#
# Scans the workspace's dump (platforms/eidp, drifted, where nothing is said), builds its site, writes the same chapters as a
# book on disk and lets mdBook build that. Prints CPU seconds (user + system) of each. Installs mdbook under target/.
set -euo pipefail
cd "$(dirname "$0")/.."
workspace=${1:-platforms/eidp} environment=${2:-drifted}
work=target/bench-site
rm -rf "$work/run" "$work/book"
mkdir -p "$work/run"
cargo build --quiet --release --bin proofbook
cargo build --quiet --release -p proofbook-site --example book
target=${CARGO_TARGET_DIR:-target}/release
version=$(sed -n '/^name = "mdbook-driver"/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
[ -x "$work/bin/mdbook" ] || cargo install --quiet --locked --root "$work" --no-default-features --features search "mdbook@$version"

# The endpoints of the workspace need not answer: a page is as long with an error on it.
cp -r "$workspace"/. "$work/run"
rm -rf "$work/run/evidence"
"$target/proofbook" scan -C "$work/run" --environment "$environment" --quiet > "$work/bundle" || [ $? -ne 2 ]
bundle=$(head -n 1 "$work/bundle")
"$target/examples/book" chapters "$bundle" "$work/run/proofbook.yaml" "$work/book"

# CPU seconds; the best of five, as machines are noisy.
measure() {
  for _ in 1 2 3 4 5; do
    /usr/bin/time -f '%U %S' -o "$work/time" "$@" > /dev/null 2> "$work/stderr" || { cat "$work/stderr" >&2; exit 1; }
    tail -n 1 "$work/time"
  done | awk '{ cpu = $1 + $2; if (best == "" || cpu < best) best = cpu } END { print best }'
}
tell() { printf '%-40s %6.2f s CPU  %5.2f times mdbook build\n' "$1" "$2" "$(echo "$2 $peer" | awk '{ print $1 / $2 }')"; }

echo "$(find "$work/book/src" -name '*.md' | wc -l) chapters"
peer=$(measure "$work/bin/mdbook" build "$work/book")
tell "mdbook build" "$peer"
tell "the site" "$(measure "$target/examples/book" site "$bundle" "$work/run/proofbook.yaml" "$work/site")"
tell "proofbook build, documents included" "$(measure "$target/proofbook" build -C "$work/run" --bundle "$bundle" --out "$work/public" --quiet)"
