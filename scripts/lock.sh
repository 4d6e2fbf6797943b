#!/bin/sh
# Regenerates requirements/*.txt from pyproject.toml. Three files a stack: what runs the product, and what
# the `dev` and `gpu` extras add to it, at the same versions of everything shared. Packages stay where they
# were unless pyproject.toml asks otherwise; `make lock UPGRADE=1` takes the newest of all.
set -eu
cd "$(dirname "$0")/.."
uv="$PWD/.tools/bin/uv"

# An index, a proxy or a folder of wheels that this machine is set up with must not end up in the files.
unset PIP_FIND_LINKS UV_FIND_LINKS

compile() { # compile OUTPUT ARGUMENTS…
  output=$1
  shift
  "$uv" pip compile --quiet --generate-hashes --no-annotate --no-header --no-emit-index-url \
    --no-emit-find-links ${UPGRADE:+--upgrade} --output-file "$output" "$@" >/dev/null
}

# Prints the entries of file 2 (a line and its hashes) whose package and version are not in file 1.
added() {
  awk 'NR == FNR { if (/^[^ ]/) known[$1]; next } /^[^ ]/ { keep = !($1 in known) } keep' "$1" "$2"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

stack() { # stack NAME ARGUMENTS…
  name=$1
  shift
  base=requirements/$name.txt
  compile "$base" "$@" pyproject.toml
  for extra in dev gpu; do
    cat "$base" "requirements/$name-$extra.txt" >"$scratch/$extra.txt" 2>/dev/null || true
    compile "$scratch/$extra.txt" "$@" --extra "$extra" --constraint "$base" pyproject.toml
    added "$base" "$scratch/$extra.txt" >"requirements/$name-$extra.txt"
  done
}

# TFX 1.16 is for Python 3.10 on x86-64; TFX 1.21 for two Pythons, on x86-64 Linux and arm64 macOS.
stack py310 --python-version 3.10 --python-platform x86_64-manylinux_2_28
stack py312 --python-version 3.12 --universal
compile requirements/tools.txt --python-version 3.10 --universal requirements/tools.in

if grep -nE '://|^-' requirements/*.txt; then
  echo "lock: the lines above carry an address or an option of this machine" >&2
  exit 1
fi
