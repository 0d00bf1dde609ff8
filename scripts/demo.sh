#!/usr/bin/env bash
# Starts a server on a temporary store, runs a load of people chatting against it over TCP, and shows the report.
# Succeeds only when the ledger closed: every accepted message reached everybody it was for, once and in order.
#
#   DEMO_CLIENTS (2000), DEMO_DURATION (20s), DEMO_OUT (target/demo)
set -euo pipefail
cd "$(dirname "$0")/.."

clients=${DEMO_CLIENTS:-2000}
duration=${DEMO_DURATION:-20s}
out=${DEMO_OUT:-target/demo}
binaries=${CARGO_TARGET_DIR:-target}/release
start_seconds=30
stop_seconds=30

fail() {
  echo "demo: $*" >&2
  if [ -s "${log:-}" ]; then
    echo "demo: the server's log ends with:" >&2
    tail -n 30 "$log" >&2
  fi
  exit 1
}

alive() { [ -n "$server" ] && kill -0 "$server" 2> /dev/null; }

# Waits until a command succeeds, at most some seconds.
wait_for() {
  local seconds=$1
  local deadline=$((SECONDS + seconds))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

server=''
dir=''
clean_up() {
  if alive; then
    kill -KILL "$server"
  fi
  if [ -n "$dir" ]; then
    rm -rf "$dir"
  fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

scripts/setup.sh
echo 'Building (the first time takes minutes: RocksDB is compiled once).'
scripts/cargo.sh build --release --workspace --locked

dir=$(mktemp -d "${TMPDIR:-/tmp}/hubbub-demo.XXXXXX")
log=$dir/server.log
addresses=$dir/data/addresses.json
"$binaries/hubbub" --data-dir "$dir/data" --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 2> "$log" &
server=$!

started_or_dead() { [ -s "$addresses" ] || ! alive; }
wait_for "$start_seconds" started_or_dead || fail "the server was not ready within $start_seconds s"
alive || fail 'the server did not start'
address() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$addresses"; }

mkdir -p "$out"
rm -f "$out/report.html" "$out/result.json" "$out/server.log"
ledger=open
if "$binaries/hubbub-load" run mixed --server "$(address clients)" --metrics "http://$(address metrics)/metrics" \
  --secret-file "$dir/data/token-secret" --clients "$clients" --duration "$duration" --out "$out"; then
  ledger=closed
fi
cp "$log" "$out/server.log"
alive || fail 'the server ended during the run'

kill -TERM "$server"
stopped() { ! alive; }
wait_for "$stop_seconds" stopped || fail "the server did not stop within $stop_seconds s"
status=0
wait "$server" || status=$?
server=''
[ "$status" = 0 ] || fail "the server ended with status $status"

[ "$ledger" = closed ] || fail "the load did not succeed; see $out/report.html"
tr -d ' \n' < "$out/result.json" | grep -Eq '"ledger":\{[^}]*"closed":true' || fail "the ledger in $out/result.json is not closed"
echo
echo "The ledger closed. The report: $out/report.html (figures: $out/result.json)"
