#!/usr/bin/env bash
# Runs the tests on the modern stack on a machine whose glibc is too old for it: in a Debian 13 root, made
# once and kept with its packages, under ~/.cache/headstart or where HEADSTART_TRIXIE says.
#
#   scripts/test_modern.sh              make test
#   scripts/test_modern.sh COMMAND…     another command, in the copy of the project inside the root
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=${HEADSTART_TRIXIE:-${XDG_CACHE_HOME:-$HOME/.cache}/headstart/trixie}
[ $# -gt 0 ] || set -- make test

fail() {
  echo "test-modern: $1" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "a Debian root can only be made and entered as root: try \`sudo make test-modern\`."

# A mount namespace of our own: what is mounted below disappears with this process, however it ends.
if [ -z "${HEADSTART_UNSHARED:-}" ]; then
  HEADSTART_UNSHARED=1 exec unshare --mount scripts/test_modern.sh "$@"
fi

if [ ! -d "$root" ]; then
  command -v debootstrap >/dev/null ||
    fail "debootstrap is missing: \`apt-get install debootstrap debian-archive-keyring\` brings it."
  echo "test-modern: making a Debian 13 root in $root …" >&2
  # Under another name until complete. The compiler is for pyfarmhash, which comes as source alone.
  rm -rf "$root.partial"
  mkdir -p "$root.partial"
  debootstrap --variant=minbase \
    --include=python3,python3-venv,python3-dev,g++,ca-certificates,git,libgomp1,make \
    trixie "$root.partial" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$root.log" 2>&1 ||
    fail "debootstrap failed; its last words in $root.log: $(tail -n 1 "$root.log")"
  mv "$root.partial" "$root"
fi

mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"

# The way to the package registries: names, certificates, and what pip and uv were told on this machine.
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
certificates=/etc/ssl/certs/ca-certificates.crt
if [ -f "${SSL_CERT_FILE:-$certificates}" ]; then cp -L "${SSL_CERT_FILE:-$certificates}" "$root$certificates"; fi
for settings in /etc/pip.conf /etc/uv/uv.toml ~/.config/pip/pip.conf ~/.pip/pip.conf ~/.config/uv/uv.toml; do
  if [ -f "$settings" ]; then install -D -m 600 "$settings" "$root${settings/#"$HOME"//root}"; fi
done
environment=(
  HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  SSL_CERT_FILE=$certificates PIP_CERT=$certificates REQUESTS_CA_BUNDLE=$certificates
)
while IFS= read -r name; do
  # A path on this machine means nothing in there.
  case $name=${!name} in
    PIP_CERT=* | *=/*) ;;
    *) environment+=("$name=${!name}") ;;
  esac
done < <(compgen -e | grep -iE '^(https?|ftp|all|no)_proxy$|^(PIP|UV)_')

# The working tree as git sees it, over the last copy of it; the environment made there stays.
project=$root/project
mkdir -p "$project"
find "$project" -mindepth 1 -maxdepth 1 ! -name .venv ! -name .tools -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
  tar --create --null --files-from=- | tar --extract --no-same-owner --directory "$project"

exec chroot "$root" env -i "${environment[@]}" sh -c 'cd /project && git init --quiet && exec "$@"' sh "$@"
