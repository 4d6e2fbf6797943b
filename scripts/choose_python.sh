#!/bin/sh
# Chooses the Python to build the environment on. Prints "STACK INTERPRETER" to stdout, where STACK is py310
# or py312 (see requirements/), and one line to stderr that says which it is and why.
# $PYTHON overrides: a version (3.10) or a command (/usr/bin/python3.12).
set -eu

say() { printf 'headstart: %s\n' "$1" >&2; }
fail() {
  say "$1"
  exit 1
}

# Prints "VERSION INTERPRETER" if the command runs; a pyenv shim exists for versions that it then refuses.
# From within a virtual environment (.venv itself is on the PATH) it is the one underneath.
probe() {
  "$1" -c 'import os, sys
version = "%d.%d" % sys.version_info[:2]
below = os.path.join(sys.base_prefix, "bin", "python" + version)
print(version, sys.executable if sys.prefix == sys.base_prefix else below)' 2>/dev/null
}

# Looks for a version on the PATH, then among pyenv's, which hides all but the one in .python-version.
find_version() {
  for command in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/"python$1" python3 python; do
    found=$(probe "$command") || continue
    if [ "${found%% *}" = "$1" ]; then
      echo "$found"
      return
    fi
  done
  return 1
}

# Says in $reason why the modern stack's wheels (manylinux_2_39, macOS arm64) do or do not fit this machine.
modern_fits() {
  case "$(uname -s) $(uname -m)" in
    "Darwin arm64") reason="this is macOS on arm64" ;;
    "Linux x86_64")
      glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/[^0-9.]//g')
      reason="this machine has glibc ${glibc:-?} and TFX 1.21 needs 2.39"
      [ -n "$glibc" ] && [ "${glibc%%.*}" -ge 2 ] && [ "${glibc#*.}" -ge 39 ] || return 1
      reason="this machine has glibc $glibc"
      ;;
    *)
      if [ "$(uname -s) $(uname -m)" != "Darwin x86_64" ]; then
        fail "TFX has no packages for $(uname -s) on $(uname -m): use Linux on x86-64 or macOS."
      fi
      reason="TFX 1.21 has no packages for macOS on x86-64"
      return 1
      ;;
  esac
}

choose() { # choose "VERSION INTERPRETER" REASON
  case ${1%% *} in
    3.10) stack=py310 tfx=1.16 ;;
    3.12 | 3.13) stack=py312 tfx=1.21 ;;
    *) fail "Python ${1%% *} is not supported: set PYTHON to 3.10, 3.12 or 3.13." ;;
  esac
  say "Python ${1%% *} with TFX $tfx, because $2."
  echo "$stack ${1#* }"
  exit
}

modern_fits && fits=yes || fits=no

if [ -n "${PYTHON:-}" ]; then
  found=$(find_version "$PYTHON" || probe "$PYTHON") || fail "PYTHON=$PYTHON does not run: name a version that is installed (3.10, 3.12 or 3.13) or the path of an interpreter."
  case ${found%% *} in
    3.12 | 3.13) [ $fits = yes ] || fail "PYTHON=$PYTHON is Python ${found%% *}, which cannot be used here: $reason; use 3.10." ;;
  esac
  choose "$found" "PYTHON=$PYTHON asks for it"
fi

if [ $fits = yes ]; then
  for version in 3.13 3.12; do
    if found=$(find_version $version); then choose "$found" "$reason"; fi
  done
  reason="no Python 3.12 or 3.13 runs here"
fi
if found=$(find_version 3.10); then choose "$found" "$reason"; fi

if [ $fits = yes ]; then
  fail "no suitable Python was found: install Python 3.13, 3.12 or 3.10 (for example: pyenv install 3.12)."
fi
fail "no suitable Python was found: install Python 3.10 (for example: pyenv install 3.10); $reason."
