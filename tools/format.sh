#!/usr/bin/env bash
# Formats all sources as .clang-format says; with --check, only tells which are not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup.sh

need clang-format-19=clang-format-19
options=(-i)
if [[ ${1-} == --check ]]; then options=(--dry-run -Werror); fi
find include tests test_package bench docs -name '*.[ch]pp' -print0 | xargs -0 clang-format-19 --style=file "${options[@]}"
