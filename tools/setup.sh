# Sourced by the other scripts: installs what they need, or says what to install.
# shellcheck shell=bash

# need PACKAGE[=COMMAND] ...: Debian's names. A package is there if its command is, or else if dpkg knows it.
need() {
  local item package missing=()
  for item in "$@"; do
    package=${item%%=*}
    if [[ $item == *=* ]] && command -v "${item#*=}" >/dev/null; then continue; fi
    if command -v dpkg-query >/dev/null; then
      [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == *"ok installed" ]] || missing+=("$package")
    elif [[ $item == *=* ]]; then
      missing+=("$package")
    fi  # Elsewhere nobody knows where a library lies; CMake will look for it and tell.
  done
  if ((${#missing[@]} == 0)); then return 0; fi

  local apt=(apt-get -q -o Acquire::Retries=3)
  if ! command -v apt-get >/dev/null; then
    echo "Missing on this machine; please install what Debian calls: ${missing[*]}" >&2
    return 1
  elif ((EUID == 0)); then
    apt=(env DEBIAN_FRONTEND=noninteractive "${apt[@]}")
  elif command -v sudo >/dev/null; then
    apt=(sudo env DEBIAN_FRONTEND=noninteractive "${apt[@]}")
  else
    echo "Missing on this machine; please run as root: apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "Installing ${missing[*]}" >&2
  "${apt[@]}" update >&2
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >&2
}
