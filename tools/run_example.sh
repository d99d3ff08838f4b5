#!/usr/bin/env bash
# Builds docs/examples/pkggraph, with all that it needs, and runs it.
# Usage: tools/run_example.sh [--json] [FILE]     standard output is the program's alone
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup.sh

need g++=g++ cmake=cmake ninja-build=ninja
log=build/example/build.log
mkdir -p build/example
echo "Building pkggraph ..." >&2
if ! { cmake --preset example && cmake --build --preset example --target example_pkggraph; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
program=$PWD/build/example/examples/pkggraph
cd "$here"
exec "$program" "$@"
