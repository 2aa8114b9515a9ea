#!/bin/sh
# Makes the files of a release in target/release-files: for each TARGET the program, tried here, and
# SHA256SUMS of all. Where something is missing there is no SHA256SUMS.
# usage: build-release.sh [TARGET...], those below if none is given
# Exit code 3: a part of Rust or a program that a TARGET needs is missing (1 for a program if
# GLTRACKER_NO_SKIP is set). The others were made.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] ||
  set -- x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-pc-windows-gnu
fail() {
  echo "build-release.sh: $*" >&2
  exit "${code:-1}"
}
need() { # PROGRAM PACKAGE
  ! command -v "$1" >/dev/null || return 0
  [ -n "${GLTRACKER_NO_SKIP-}" ] || code=3
  fail "install $1 (on Debian: apt-get install $2)"
}
files=target/release-files
version=$(sed -n 's/^version = "\(.*\)"/\1/p;/^version/q' Cargo.toml)

build_linux() (
  set -e
  scripts/build-static.sh "$1"
  from=target/static/gltracker
  [ ! -e "$from-$1" ] || from=$from-$1
  cp "$from" "$files/gltracker-$version-$1"
)
build_windows() (
  set -e
  need x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32
  need wine wine
  libraries=$(rustc --print target-libdir --target "$1")
  [ -d "$libraries" ] || rustup target add "$1" || code=3 fail "install Rust's standard library for $1"
  # Without the time of the build and the place of the compiler, two builds are the same.
  flags="-C link-arg=-Wl,--no-insert-timestamp --remap-path-prefix=$(rustc --print sysroot)=rust"
  CARGO_PROFILE_RELEASE_STRIP=symbols RUSTFLAGS=$flags \
    cargo build --release --locked --target "$1" --target-dir target/static-build
  dir=$(mktemp -d)
  trap 'WINEPREFIX=$dir/wine wineserver --kill; rm -r "$dir"' EXIT
  trap 'exit 130' HUP INT TERM
  cp "target/static-build/$1/release/gltracker.exe" "$dir"
  # The one function of Windows that is not in Wine 8, which Debian 12 has.
  printf '%s\n' '#include <windows.h>' 'BOOLEAN NTAPI SystemFunction036(void *, ULONG);' \
    '__declspec(dllexport) BOOL WINAPI ProcessPrng(void *data, SIZE_T size)' \
    '{ return SystemFunction036(data, size); }' >"$dir/random.c"
  x86_64-w64-mingw32-gcc -shared -o "$dir/bcryptprimitives.dll" "$dir/random.c" -ladvapi32
  WINEPREFIX=$dir/wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=' \
    scripts/try-binary.sh "$dir/gltracker.exe" wine
  cp "$dir/gltracker.exe" "$files/gltracker-$version-$1.exe"
)

for target; do
  case $target in
  *-linux-musl | *-windows-gnu) ;;
  *) code=2 fail "$target is no *-linux-musl and no *-windows-gnu" ;;
  esac
done
rm -rf "$files"
mkdir -p "$files"
missing=''
for target; do
  system=${target%-*}
  set +e # after || a function would go on after a failure
  "build_${system##*-}" "$target"
  code=$?
  set -e
  case $code in
  0) ;;
  3) missing="$missing $target" ;;
  *) exit $code ;;
  esac
done
[ -z "$missing" ] || code=3 fail "NOT MADE, for something is missing:$missing"
cd "$files"
sha256sum gltracker-* >SHA256SUMS
sha256sum -c SHA256SUMS
