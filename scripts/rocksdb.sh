#!/usr/bin/env bash
# Compiles RocksDB once into a static library that every build of this checkout (and of the next) links.
#
# The sources are those of the crate `librocksdb-sys` that Cargo.lock names, compiled in a few large units: most of
# RocksDB's compile time is its headers, so this takes less CPU time than the crate's own build, and only once for all
# checkouts. It prints the directory of the library; `eval "$(scripts/rocksdb.sh --env)"` makes cargo use it. Without
# it, a plain `cargo build` works too, and takes longer. What was compiled before an interruption is kept.
#
#   HUBBUB_CACHE (~/.cache/hubbub)   where the library is kept
set -euo pipefail
cd "$(dirname "$0")/.."

registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
# The directory of a crate in the version that Cargo.lock names.
crate_dir() {
  local version
  version=$(sed -n "/^name = \"$1\"\$/{n;s/^version = \"\(.*\)\"/\1/p}" Cargo.lock)
  find "$registry" -maxdepth 2 -type d -name "$1-$version" | head -n 1
}

cargo fetch --locked --quiet
sources=$(crate_dir librocksdb-sys)
lz4=$(crate_dir lz4-sys)/liblz4/lib
zstd=$(crate_dir zstd-sys)/zstd/lib

flags=(-std=c++20 -O3 -DNDEBUG -DLZ4 -DZSTD -DHAVE_ALIGNED_NEW -DHAVE_UINT128_EXTENSION -DOS_LINUX
  -DROCKSDB_PLATFORM_POSIX -DROCKSDB_LIB_IO_POSIX -DROCKSDB_SCHED_GETCPU_PRESENT -DROCKSDB_AUXV_GETAUXVAL_PRESENT
  -DROCKSDB_FALLOCATE_PRESENT -DROCKSDB_RANGESYNC_PRESENT -include cstdint -w -fPIC -ffunction-sections -fdata-sections)
[ "$(uname -m)" != x86_64 ] || flags+=(-march=x86-64-v2)
includes=(-I "$sources" -I "$sources/rocksdb/include" -I "$sources/rocksdb" -I "$lz4" -I "$zstd")
units=16
key=$(printf '%s\n' "${sources##*/}" "$units" "${flags[*]}" "$(c++ -dumpfullversion)" "$(uname -m)" | sha256sum | cut -c 1-16)
cache=${HUBBUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hubbub}/rocksdb-$key
work=$cache/work

build() {
  echo "Compiling RocksDB (${sources##*/}) once, into $cache: about ten minutes of CPU time." >&2
  mkdir -p "$work"
  sed 's/^ *//' "$sources/rocksdb_lib_sources.txt" | grep -v -e '^$' -e '^util/build_version.cc$' > "$work/sources"
  # Neighbours go into one unit, since they share headers.
  split -d -a 2 -n "l/$units" --additional-suffix=.list "$work/sources" "$work/unit"
  for list in "$work"/unit*.list; do
    sed 's|.*|#include "rocksdb/&"|' "$list" > "${list%.list}.cc"
  done
  cp "$sources/build_version.cc" "$work/version.cc"
  export -f compile
  export FLAGS="${flags[*]}" INCLUDES="${includes[*]}"
  # shellcheck disable=SC2016 # The inner shell expands it.
  find "$work" -name '*.cc' -print0 | sort -z | xargs -0 -P "$(nproc)" -n 1 bash -euo pipefail -c 'compile "$0"'
  ar crs "$work/librocksdb.a" "$work"/*.o
  mv "$work/librocksdb.a" "$cache/librocksdb.a"
  rm -rf "$work"
}

compile() {
  local object=${1%.cc}.o
  # shellcheck disable=SC2086 # Lists of words, none with blanks.
  [ -e "$object" ] || { c++ $FLAGS $INCLUDES -c "$1" -o "$object.part" && mv "$object.part" "$object"; }
}

if ! [ -e "$cache/librocksdb.a" ]; then
  mkdir -p "$cache"
  # Two checkouts that start at once build it once.
  exec 9> "$cache/lock"
  flock 9
  [ -e "$cache/librocksdb.a" ] || build
fi

if [ "${1:-}" = --env ]; then
  printf 'export ROCKSDB_STATIC=1 ROCKSDB_LIB_DIR=%q ROCKSDB_INCLUDE_DIR=%q\n' "$cache" "$sources/rocksdb/include"
else
  echo "$cache"
fi
