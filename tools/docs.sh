#!/usr/bin/env bash
# Builds the site in build/site and checks its pages in headless Chromium.
# Usage: tools/docs.sh [--no-browser]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup.sh

need g++=g++ doxygen=doxygen doxygen-awesome-css graphviz=dot python3 python3-matplotlib
theme=/usr/share/doxygen-awesome-css
# Debian's modules belong to Debian's interpreter, which need not be the first one on the path.
python=$(PATH=/usr/bin:$PATH command -v python3)

"$python" tools/draw_pictures.py build/pictures
"$python" bench/charts.py build/pictures
rm -rf build/site
mkdir -p build/site
version=$(sed -n 's/^#define OURO_VERSION_[A-Z]* \([0-9]*\)$/\1/p' include/ouro/version.hpp | paste -sd.)
{
  cat docs/Doxyfile
  echo "PROJECT_NUMBER = $version"
  echo "WARN_LOGFILE = build/site-warnings.txt"
  if [[ -d $theme ]]; then echo "HTML_EXTRA_STYLESHEET = $theme/doxygen-awesome.css docs/site.css"; fi
} | doxygen -
# Doxygen speaks so of specialisations of templates whose general form it does not see.
if grep -v -e 'Internal inconsistency' -e 'documented symbol .* std::ranges::' build/site-warnings.txt; then
  echo "Doxygen has found something wrong" >&2
  exit 1
fi

if [[ ${1-} != --no-browser ]]; then
  need chromium=chromium chromium-driver=chromedriver python3-selenium
  "$python" tools/check_site.py build/site build/screenshots
fi
