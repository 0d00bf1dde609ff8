#!/usr/bin/env bash
# Compiles RocksDB once into a static library that every build of this checkout (and of the next) links.
#
# The sources are those of the crate `librocksdb-sys` that Cargo.lock names, compiled in a few large units: most of
# RocksDB's compile time is its headers, so this takes a quarter of the CPU time of the crate's own build. It prints the
# directory of the library; `eval "$(scripts/rocksdb.sh --env)"` makes cargo use it. Without it, a plain `cargo build`
# works too, and takes longer.
set -euo pipefail
cd "$(dirname "$0")/.."

crate=librocksdb-sys
version=$(sed -n "/^name = \"$crate\"/{n;s/^version = \"\(.*\)\"/\1/p}" Cargo.lock)
cargo fetch --locked --quiet
sources=$(find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -maxdepth 2 -type d -name "$crate-$version" | head -n 1)
lz4=$(find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -maxdepth 2 -type d -name 'lz4-sys-*' | sort -V | tail -n 1)/liblz4/lib
zstd=$(find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -maxdepth 2 -type d -name 'zstd-sys-*' | sort -V | tail -n 1)/zstd/lib

flags=(-std=c++20 -O3 -DNDEBUG -DLZ4 -DZSTD -DHAVE_ALIGNED_NEW -DHAVE_UINT128_EXTENSION -DOS_LINUX
  -DROCKSDB_PLATFORM_POSIX -DROCKSDB_LIB_IO_POSIX -DROCKSDB_SCHED_GETCPU_PRESENT -DROCKSDB_AUXV_GETAUXVAL_PRESENT
  -DROCKSDB_FALLOCATE_PRESENT -DROCKSDB_RANGESYNC_PRESENT -include cstdint -w -fPIC -ffunction-sections -fdata-sections)
[ "$(uname -m)" != x86_64 ] || flags+=(-march=x86-64-v2)
units=16
key=$(printf '%s\n' "$version" "$units" "${flags[*]}" "$(c++ -dumpfullversion)" "$(uname -m)" | sha256sum | cut -c 1-16)
cache=${HUBBUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hubbub}/rocksdb-$key

if ! [ -e "$cache/librocksdb.a" ]; then
  echo "Compiling RocksDB ($version) once, into $cache: a few minutes." >&2
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  (sed 's/^ *//' "$sources/rocksdb_lib_sources.txt" | grep -v -e '^$' -e '^util/build_version.cc$') > "$work/all"
  # Neighbours go into one unit, since they share headers. Range tree locking is third-party C with its own rules.
  grep '^utilities/transactions/lock/range/' "$work/all" > "$work/alone" || true
  grep -v '^utilities/transactions/lock/range/' "$work/all" > "$work/together"
  split -d -a 2 -n "l/$units" "$work/together" "$work/unit"
  for unit in "$work"/unit*; do sed "s|.*|#include \"rocksdb/&\"|" "$unit" > "$unit.cc"; done
  while read -r file; do echo "#include \"rocksdb/$file\"" > "$work/alone$(tr / _ <<< "$file")"; done < "$work/alone"
  find "$work" -name '*.cc' -print0 | xargs -0 -P "$(nproc)" -I{} c++ "${flags[@]}" -I "$sources" -I "$sources/rocksdb/include" \
    -I "$sources/rocksdb" -I "$lz4" -I "$zstd" -c {} -o {}.o
  c++ "${flags[@]}" -I "$sources/rocksdb/include" -I "$sources/rocksdb" -c "$sources/build_version.cc" -o "$work/version.o"
  ar crs "$work/librocksdb.a" "$work"/*.o
  mv "$work/librocksdb.a" "$cache/librocksdb.a"
fi

if [ "${1:-}" = --env ]; then
  printf 'export ROCKSDB_STATIC=1 ROCKSDB_LIB_DIR=%q ROCKSDB_INCLUDE_DIR=%q\n' "$cache" "$sources/rocksdb/include"
else
  echo "$cache"
fi
