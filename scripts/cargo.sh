#!/usr/bin/env bash
# Runs cargo with RocksDB compiled once for all checkouts (scripts/rocksdb.sh). When that fails, cargo compiles RocksDB
# itself, which only takes longer. Every script and make target comes through here: one way to build means one RocksDB.
set -euo pipefail

if [ -z "${ROCKSDB_LIB_DIR:-}" ]; then
  if prebuilt=$("$(dirname "$0")/rocksdb.sh" --env); then
    eval "$prebuilt"
  else
    echo "scripts/rocksdb.sh failed; cargo will compile RocksDB itself." >&2
  fi
fi
exec cargo "$@"
