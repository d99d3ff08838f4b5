#!/usr/bin/env bash
# Builds all tests, with all that they need, and runs them.
# Usage: tools/test.sh [PRESET ...]     presets of CMakePresets.json, tested in one CTest run (default: dev)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup.sh

if (($# == 0)); then set -- dev; fi
need g++=g++ cmake=cmake ninja-build=ninja python3=python3 pkg-config=pkg-config catch2 libboost-dev
for preset in "$@"; do
  case $preset in
    clang*) need clang-19=clang++-19 libclang-rt-19-dev clang-tidy-19=clang-tidy-19 ;;&
    *libcxx*) need libc++-19-dev libc++abi-19-dev ;;
    release) need libbenchmark-dev libgc-dev valgrind=valgrind ;;
  esac
done

jobs=$(getconf _NPROCESSORS_ONLN)
trees=()
for preset in "$@"; do
  echo "== $preset: building"
  SECONDS=0
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" -j "$jobs"
  echo "== $preset: built in $SECONDS s"
  trees+=("$PWD/build/$preset")
done

# A CTest directory that consists of the build trees: one run, one summary.
mkdir -p build/tests
printf 'subdirs([==[%s]==])\n' "${trees[@]}" >build/tests/CTestTestfile.cmake
echo "== testing: $*"
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
ctest --test-dir build/tests -j "$jobs" --output-on-failure --no-tests=error |
  grep --line-buffered -vE '^ *Start +[0-9]+: '
