#!/usr/bin/env bash
# Starts a server on a temporary store, lets people chat over TCP for a while, and shows the report.
# Succeeds only when the ledger closed: every accepted message reached everybody it was for, once and in order.
#
#   DEMO_CLIENTS (2000), DEMO_DURATION (20s), DEMO_OUT (target/demo)
set -euo pipefail
cd "$(dirname "$0")/.."

out=${DEMO_OUT:-target/demo}
binaries=${CARGO_TARGET_DIR:-target}/release

scripts/setup.sh
echo 'Building (the first time takes minutes: RocksDB is compiled once).'
scripts/cargo.sh build --release --workspace --locked

"$binaries/hubbub-load" run mixed --own-server "$binaries/hubbub" \
  --clients "${DEMO_CLIENTS:-2000}" --duration "${DEMO_DURATION:-20s}" --out "$out" || {
  status=$?
  echo "demo: the load did not succeed; see $out" >&2
  exit "$status"
}
if grep -q 'the own server did not end in good order' "$out/result.json"; then
  echo "demo: the server did not stop as it should; see $out/server.log" >&2
  exit 1
fi
echo
echo "The ledger closed. The report: $out/report.html (figures: $out/result.json)"
