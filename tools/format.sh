#!/usr/bin/env bash
# Formats all sources as .clang-format says; with --check, only tells which are not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup.sh

need clang-format=clang-format
options=(-i)
if [[ ${1-} == --check ]]; then options=(--dry-run -Werror); fi
find include tests bench docs -name '*.[ch]pp' -print0 | xargs -0 clang-format --style=file "${options[@]}"
