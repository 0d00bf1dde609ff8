#!/usr/bin/env bash
# Everything that is checked besides the tests. Same profile and features as the tests, so nothing heavy is built again.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/cargo.sh clippy --workspace --all-targets --release --locked -- -D warnings
scripts/cargo.sh clippy --workspace --features hubbub-faults/planted --bin hubbub-faulty --test ledger --release --locked -- -D warnings
RUSTDOCFLAGS='-D warnings' scripts/cargo.sh doc --workspace --no-deps --release --locked
cargo fmt --all --check
scripts/dashboards.py --check
if command -v shellcheck > /dev/null; then
  shellcheck scripts/*.sh .ci/run
fi
if command -v cargo-deny > /dev/null; then
  cargo deny check licenses bans sources
fi
