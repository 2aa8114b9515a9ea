#!/bin/sh
# Builds target/static/gltracker, one file that needs nothing else on the machine. Then tries it in a
# root where nothing else is. For a processor of another kind it builds target/static/gltracker-TARGET,
# and tries that in qemu.
# usage: build-static.sh [TARGET], a musl target; that of this machine if none is given
# Exit code 3: a part of Rust or a program that it needs is missing (1 for a program if GLTRACKER_NO_SKIP
# is set).
set -eu
cd "$(dirname "$0")/.."
target=${1:-$(uname -m)-unknown-linux-musl}
binary=target/static/gltracker
emulator=''
[ "${target%%-*}" = "$(uname -m)" ] || {
  binary=$binary-$target
  emulator=qemu-${target%%-*}
}
fail() {
  echo "build-static.sh: $*" >&2
  exit "${code:-1}"
}
[ -z "$emulator" ] || command -v "$emulator" >/dev/null || {
  [ -n "${GLTRACKER_NO_SKIP-}" ] || code=3
  fail "install $emulator, in which the file is tried (on Debian: apt-get install qemu-user)"
}

scripts/build-small.sh "$target"
mkdir -p target/static
cp "target/static-build/$target/release/gltracker" "$binary"
size=$(wc -c <"$binary")

if [ -n "$emulator" ]; then
  scripts/try-binary.sh "$binary" "$emulator"
  echo "$binary: $size bytes for $target; runs in $emulator"
  exit
fi
# Its own list looks a name up, which takes a file. Where the machine lets nobody have a root of one's
# own, the file is tried in the usual one.
root=$(mktemp -d)
trap 'rm -r "$root"' EXIT
trap 'exit 130' HUP INT TERM
mkdir "$root/etc"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
cp "$binary" "$root/gltracker"
in_root="unshare --user --map-root-user chroot $root"
if $in_root /gltracker --version >/dev/null 2>&1; then
  # shellcheck disable=SC2086 # several words
  scripts/try-binary.sh /gltracker $in_root
else
  [ -z "${CI-}" ] || fail 'it does not run in an empty root'
  echo 'build-static.sh: no root of its own can be had here; trying it without' >&2
  scripts/try-binary.sh "$binary"
fi
echo "$binary: $size bytes for $target; runs and answers in a root of its own"
