#!/usr/bin/env bash
# Installs what building Hubbub needs and this machine lacks; does nothing when everything is there.
#
#   scripts/setup.sh          for building: a C++ compiler and make (RocksDB, jemalloc), libclang (RocksDB's bindings)
#   scripts/setup.sh --tests  also for the tests: strace, mosquitto, prometheus, and Python with the protobuf package, in
#                             target/python
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup: $*" >&2; }
fail() { say "$@"; exit 1; }
has() { command -v "$1" > /dev/null 2>&1; }

# What bindgen loads at build time, and the headers that belong to it (stddef.h and its like).
has_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] || compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' > /dev/null || ldconfig -p 2> /dev/null | grep -q 'libclang[-.]' ||
    compgen -G '/usr/lib64/libclang.so*' > /dev/null
}
has_clang_headers() {
  [ -n "${LIBCLANG_PATH:-}" ] || compgen -G '/usr/lib/llvm-*/lib/clang/*/include/stddef.h' > /dev/null ||
    compgen -G '/usr/lib*/clang/*/include/stddef.h' > /dev/null
}
# Debian has it where only root's PATH looks.
has_mosquitto() { has mosquitto || [ -x /usr/sbin/mosquitto ]; }
has_venv() { has python3 && python3 -c 'import ensurepip, venv' > /dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif has sudo; then
    sudo "$@"
  else
    fail "this needs root, and there is no sudo; run as root: $*"
  fi
}

# Debian 12 has small packages for libclang; elsewhere the large one finds its version by itself.
clang_packages() {
  if apt-cache show libclang1-14 libclang-common-14-dev > /dev/null 2>&1; then
    echo libclang1-14 libclang-common-14-dev
  else
    echo libclang-dev
  fi
}

install() {
  has apt-get || fail "missing: $*. This machine has no apt-get; install by its own means: ${missing[*]}"
  say "installing $* (missing: ${missing[*]})"
  local get=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@")
  as_root "${get[@]}" >&2 && return
  say "that failed; refreshing the package lists and trying again"
  as_root apt-get update >&2
  as_root "${get[@]}" >&2
}

# Packages start a service of their own for the machine; the tests start theirs.
stop_service() {
  if [ -d /run/systemd/system ] && has systemctl; then
    as_root systemctl disable --now "$1.service" >&2 || say "the service $1 could not be stopped; the tests do not need it"
  fi
}

install_missing() {
  local packages=()
  missing=()
  want() { missing+=("$1") && packages+=("${@:2}"); }
  { has c++ || has g++ || has clang++; } || want "a C++ compiler (compiles RocksDB)" g++
  has make || want "make (builds jemalloc)" make
  if ! has_libclang || ! has_clang_headers; then
    has apt-get && [ -z "$(apt-cache pkgnames libclang 2> /dev/null)" ] && as_root apt-get update >&2
    read -ra clang <<< "$(clang_packages)"
    want "libclang and its headers (make RocksDB's Rust bindings)" "${clang[@]}"
  fi
  if [ "${1:-}" = --tests ] && ! has_venv; then
    want "Python 3 with venv (runs the example client in the tests)" python3 python3-venv
  fi
  if [ "${1:-}" = --tests ] && ! has strace; then
    want "strace (a test sees with it that nothing is answered before it is on disk)" strace
  fi
  local had_mosquitto=yes
  if [ "${1:-}" = --tests ] && ! has_mosquitto; then
    had_mosquitto=no
    want "mosquitto (the MQTT broker that the load harness is tested with)" mosquitto
  fi
  local had_prometheus=yes
  if [ "${1:-}" = --tests ] && ! { has prometheus && has promtool; }; then
    had_prometheus=no
    want "prometheus (asked by a test for all that dashboards and alerts show)" prometheus
  fi
  [ ${#missing[@]} -eq 0 ] || install "${packages[@]}"
  [ $had_mosquitto = yes ] || stop_service mosquitto
  [ $had_prometheus = yes ] || stop_service prometheus
}

# The Python example's packages, in an environment of their own.
make_python() {
  local wanted=codec/examples/requirements.txt made=target/python/requirements.txt
  [ -e "$wanted" ] || return 0
  cmp -s "$wanted" "$made" && return
  say "making target/python for the Python example ($(tr '\n' ' ' < "$wanted"))"
  python3 -m venv --clear target/python
  target/python/bin/pip install --quiet --disable-pip-version-check --requirement "$wanted" ||
    fail "the Python packages could not be installed; is PyPI within reach?"
  cp "$wanted" "$made"
}

has cargo || fail "there is no Rust toolchain; install one from https://rustup.rs"
install_missing "$@"
if [ "${1:-}" = --tests ]; then
  make_python
fi
