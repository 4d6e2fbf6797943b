#!/bin/sh
# Makes .venv hold exactly what requirements/ locks, and the project itself, editable. Does nothing when
# neither the choice of Python, nor the requirements, nor pyproject.toml have changed.
# ACCELERATOR=gpu adds the CUDA libraries.
set -eu
cd "$(dirname "$0")/.."

. scripts/tools.sh

choice=$(scripts/choose_python.sh)
stack=${choice%% *} python=${choice#* }
set -- "requirements/$stack.txt" "requirements/$stack-dev.txt"
if [ "${ACCELERATOR:-cpu}" = gpu ]; then set -- "$@" "requirements/$stack-gpu.txt"; fi

# The folder is in the stamp because an environment does not survive being moved.
stamp=$(echo "$choice $PWD" | cat - pyproject.toml "$@" | cksum)
if [ "$stamp" = "$(cat .venv/.stamp 2>/dev/null)" ] && [ -x .venv/bin/python ]; then exit; fi

if [ ! -x .venv/bin/python ]; then
  echo "headstart: installing the packages (about 3 GB; some minutes the first time) …" >&2
fi
rm -f .venv/.stamp
get_uv "$python"
# Keep an environment made from the same Python: uv then changes only what differs.
if [ "$(cat .venv/.python 2>/dev/null)" != "$PWD $python" ]; then
  .tools/bin/uv venv --quiet --clear --python "$python" .venv
  echo "$PWD $python" >.venv/.python
fi
# Compiled here, whatever PYTHONDONTWRITEBYTECODE says: without bytecode TensorFlow and TFX take 11 CPU
# seconds longer to start, each time.
.tools/bin/uv pip sync $quiet --compile-bytecode --python .venv --require-hashes "$@"
# setuptools is among the locked packages, so that building the project fetches nothing.
.tools/bin/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
echo "$stamp" >.venv/.stamp
