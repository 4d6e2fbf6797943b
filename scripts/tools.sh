# Sourced: how this project gets and calls uv, at the version that requirements/tools.txt locks.

quiet=--quiet
if [ -t 2 ]; then quiet=; fi # a progress bar for a person, silence for a log

get_uv() { # get_uv PYTHON
  if [ "$(cat .tools/.stamp 2>/dev/null)" != "$(cksum <requirements/tools.txt)" ]; then
    rm -rf .tools
    "$1" -m venv .tools || {
      echo "headstart: $1 cannot make virtual environments: install its venv module (Debian: python3-venv)." >&2
      exit 1
    }
    .tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
      --requirement requirements/tools.txt
    cksum <requirements/tools.txt >.tools/.stamp
  fi

  export UV_PYTHON_DOWNLOADS=never
  # uv waits 30 s and trusts its own certificates; a slow or private registry needs more.
  export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-300}" UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
  # It does not read pip's settings; someone who told pip about a mirror should not have to tell it twice.
  index=${PIP_INDEX_URL:-$(.tools/bin/python -m pip config get global.index-url 2>/dev/null || true)}
  if [ -n "$index" ]; then export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"; fi
  if [ -n "${PIP_EXTRA_INDEX_URL:-}" ]; then export UV_INDEX="${UV_INDEX:-$PIP_EXTRA_INDEX_URL}"; fi
}
