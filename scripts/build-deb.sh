#!/bin/sh
# Builds target/deb/gltracker_VERSION_ARCH.deb, a Debian package with the program, its units, its man
# page, its completions and /etc/gltracker. try-deb.sh tries it.
# usage: build-deb.sh [TARGET], a musl target as for build-static.sh, whose program is then taken. If none is
# given the program is linked to the glibc of this machine.
# Exit code 3: a part of Rust or a program that it needs is missing (1 for a program if GLTRACKER_NO_SKIP
# is set).
set -eu
cd "$(dirname "$0")/.."
# The most bytes that the package may have.
most=700000 # 692,480 bytes were measured for x86_64
fail() {
  echo "build-deb.sh: $*" >&2
  exit "${code:-1}"
}
command -v dpkg-deb >/dev/null || {
  [ -n "${GLTRACKER_NO_SKIP-}" ] || code=3
  fail 'install dpkg-deb (on Debian: apt-get install dpkg)'
}
target=${1:-$(uname -m)-unknown-linux-gnu}
case $target in
  x86_64-*) architecture=amd64 ;;
  aarch64-*) architecture=arm64 ;;
  *) code=2 fail "it is not known what Debian calls ${target%%-*}" ;;
esac
case $target in
  *-musl)
    scripts/build-static.sh "$target"
    binary=target/static/gltracker
    program=$binary
    [ "${target%%-*}" = "$(uname -m)" ] || {
      binary=$binary-$target
      program="qemu-${target%%-*} $binary"
    }
    depends=''
    override='gltracker: shared-library-lacks-prerequisites [usr/bin/gltracker]'
    ;;
  *)
    scripts/build-small.sh "$target"
    binary=target/static-build/$target/release/gltracker
    program=$binary
    scripts/try-binary.sh "$program"
    # Relative relocations are packed, which glibc 2.36 was the first to know.
    glibc=$({ echo 2.36; objdump -p "$binary" | sed -n 's/.* GLIBC_\(2\.[0-9]*\)$/\1/p'; } | sort -V | tail -n 1)
    depends=", libc6 (>= $glibc), libgcc-s1 (>= 4.2)"
    override=''
    ;;
esac

# What is built is later than what was built of an earlier commit, and the same commit gives the same bytes.
version=$(sed -n 's/^version = "\(.*\)"/\1/p;/^version/q' Cargo.toml)
if committed=$(git log -1 --format=%ct 2>/dev/null); then
  version=$version+git$(date -u -d "@$committed" +%Y%m%d%H%M%S)
fi
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-${committed:-$(stat -c %Y Cargo.lock)}}"
maintainer=$(sed -n 's/^Maintainer: //p' scripts/debian/control)

made=$(mktemp -d)
trap 'rm -r "$made"' EXIT
trap 'exit 130' HUP INT TERM
umask 022
root=$made/root
mkdir "$root"
put() { # MODE FILE [NAME]: standard input into the package, or compressed as Debian wants it
  mkdir -p "$root/${2%/*}"
  case $2 in
    *.gz) gzip -9n ;;
    *) cat ;;
  esac >"$root/$2"
  chmod "$1" "$root/$2"
}
put 755 usr/bin/gltracker <"$binary"
for unit in gltracker.service gltracker-clients.socket gltracker-servers.socket; do
  sed 's,/usr/local/bin/,/usr/bin/,; s/ Install it as README.md in this folder says\.//' "scripts/$unit" |
    put 644 "usr/lib/systemd/system/$unit"
done
$program man | put 644 usr/share/man/man1/gltracker.1.gz
$program completions bash | put 644 usr/share/bash-completion/completions/gltracker
$program completions zsh | put 644 usr/share/zsh/vendor-completions/_gltracker
$program completions fish | put 644 usr/share/fish/vendor_completions.d/gltracker.fish
for file in environment keys bans; do
  put 600 "etc/gltracker/$file" <"scripts/debian/etc/$file"
done
chmod 700 "$root/etc/gltracker"
cat scripts/debian/copyright LICENSE | put 644 usr/share/doc/gltracker/copyright
put 644 usr/share/doc/gltracker/changelog.gz <<END
gltracker ($version) unstable; urgency=medium

  * Built from the source of $version.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END
{ cat scripts/debian/overrides && echo "$override"; } | put 644 usr/share/lintian/overrides/gltracker

for script in postinst prerm postrm; do
  put 755 "DEBIAN/$script" <"scripts/debian/$script"
done
(cd "$root" && find etc -type f | LC_ALL=C sort | sed 's,^,/,') | put 644 DEBIAN/conffiles
(cd "$root" && find usr -type f | LC_ALL=C sort | xargs md5sum) | put 644 DEBIAN/md5sums
{
  sed "/^Section:/i Version: $version\nArchitecture: $architecture
    s/^Depends:.*/&$depends/" scripts/debian/control
  echo "Installed-Size: $(du -k -s --apparent-size --exclude=DEBIAN "$root" | cut -f1)"
} | put 644 DEBIAN/control
# dpkg-deb compresses, but without the filter for a processor's jumps, which saves 8 % here. What dpkg reads
# packages with knows it.
case $architecture in
  amd64) filter=--x86 ;;
  *) filter='' ;;
esac
member() { # NAME FILE: as `ar` writes it
  printf '%-16s%-12s%-6s%-6s%-8s%-10s`\n' "$1" "$SOURCE_DATE_EPOCH" 0 0 100644 "$(wc -c <"$2")"
  cat "$2"
  [ $(($(wc -c <"$2") % 2)) -eq 0 ] || echo
}
dpkg-deb --root-owner-group -Znone --build "$root" "$made/plain.deb" >/dev/null
dpkg-deb --ctrl-tarfile "$made/plain.deb" | xz -9e >"$made/control.tar.xz"
dpkg-deb --fsys-tarfile "$made/plain.deb" | xz $filter --lzma2=preset=9e >"$made/data.tar.xz"
echo 2.0 >"$made/debian-binary"
deb=target/deb/gltracker_${version}_$architecture.deb
rm -rf target/deb
mkdir -p target/deb
{
  echo '!<arch>'
  for name in debian-binary control.tar.xz data.tar.xz; do
    member $name "$made/$name"
  done
} >"$deb"
size=$(wc -c <"$deb")
[ "$size" -le $most ] || {
  echo "build-deb.sh: $deb has $size bytes, more than $most" >&2
  # Without the sources of the standard library it is larger.
  [ -z "${CI-}" ] || exit 1
}
echo "$deb: $size bytes"
