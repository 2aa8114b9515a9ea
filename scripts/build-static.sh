#!/bin/sh
# Builds target/static/gltracker, one file that needs nothing else on the machine. Then tries it in a
# root where nothing else is. For a processor of another kind it builds target/static/gltracker-TARGET,
# and tries that in qemu.
# usage: build-static.sh [TARGET], a musl target; that of this machine if none is given
# Exit code 3: a part of Rust or a program that it needs is missing (1 for a program if GLTRACKER_NO_SKIP
# is set).
set -eu
cd "$(dirname "$0")/.."
# The most bytes that the file may have.
most=1703936 # 1.625 MiB: 1,640,096 bytes were measured for x86_64, 1,476,632 for aarch64
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

libraries=$(rustc --print target-libdir --target "$target" 2>/dev/null) || libraries=''
[ -d "$libraries" ] || rustup target add "$target" ||
  code=3 fail "install Rust's standard library for $target"
sources=$(rustc --print sysroot)/lib/rustlib/src/rust/library
[ -d "$sources" ] || rustup component add rust-src || :

[ -z "$emulator" ] || command -v "$emulator" >/dev/null || {
  [ -n "${GLTRACKER_NO_SKIP-}" ] || code=3
  fail "install $emulator, in which the file is tried (on Debian: apt-get install qemu-user)"
}

export CARGO_PROFILE_RELEASE_STRIP=symbols
# Rust brings a linker and all that is linked, for this machine and for others.
link='-C target-feature=+crt-static -C link-self-contained=yes -C linker=rust-lld -C linker-flavor=ld.lld'
build() {
  cargo build --release --locked --target "$target" --target-dir target/static-build "$@"
}
# The unwinder that comes with Rust is built for speed as well, and the words that it prints before it
# aborts bring in all of printf. Its sources come with those of the standard library. For another kind of
# processor it is left as it is, unless CC and CXX name compilers for that.
unwinder=$PWD/target/static-build/unwinder
build_unwinder() (
  rm -rf "$unwinder" && mkdir -p "$unwinder" && cd "$unwinder" || exit
  [ -z "$emulator" ] || [ -n "${CXX-}" ] || exit 0
  from=$sources/../src/llvm-project/libunwind
  cat >quiet.h <<'END'
#include <stdio.h>
#define fprintf(...) 0
#define fputs(...) 0
#define fflush(...) 0
#define snprintf(...) 0
END
  set -- -c -Os -fPIE -ffunction-sections -fdata-sections -fvisibility=hidden -fno-stack-protector \
    -fno-asynchronous-unwind-tables -funwind-tables -U_FORTIFY_SOURCE -DNDEBUG -D_LIBUNWIND_HIDE_SYMBOLS \
    -D_LIBUNWIND_IS_NATIVE_ONLY -D_LIBUNWIND_DISABLE_VISIBILITY_ANNOTATIONS -I"$from/include" -w
  "${CXX:-c++}" -std=c++17 -fno-exceptions -fno-rtti -nostdinc++ -include quiet.h "$@" \
    "$from/src/libunwind.cpp" &&
    "${CC:-cc}" -std=c99 -fexceptions -include quiet.h "$@" \
      "$from/src/UnwindLevel1.c" "$from/src/UnwindLevel1-gcc-ext.c" &&
    "${CC:-cc}" "$@" "$from/src/UnwindRegistersRestore.S" "$from/src/UnwindRegistersSave.S" &&
    ar rcs libunwind.a ./*.o
)
# More than half of the program is the standard library, which comes built for speed. So it is built
# again from its sources, for size. A stable compiler does that with RUSTC_BOOTSTRAP, as the Linux
# kernel's build sets it. Panics still unwind, so that one connection's panic does not end the others;
# out of a destructor they do not, and no destructor here panics. A panic says what is wrong, not where
# nor with which value: a build by cargo alone tells that. The tables for unwinding are shorter with
# frame pointers than without. Instructions that several functions have in common become a function
# where that saves 25 bytes or more; for less, its entry in those tables costs more than it saves.
build_small() {
  RUSTC_BOOTSTRAP=1 CARGO_PROFILE_RELEASE_OPT_LEVEL=z \
    RUSTFLAGS="$link -C force-unwind-tables=no -C force-frame-pointers=yes \
      -Z panic-in-drop=abort -L native=$unwinder \
      -Z location-detail=none -Z fmt-debug=none \
      -C llvm-args=-enable-machine-outliner=always -C llvm-args=-outliner-benefit-threshold=25 \
      -C llvm-args=-inline-threshold=10 \
      -C llvm-args=-inlinehint-threshold=10 -C link-args=--icf=all -C link-args=-zpack-relative-relocs" \
    build -Z build-std=std,panic_unwind -Z build-std-features=optimize_for_size
}
if [ -d "$sources" ] && build_unwinder && build_small; then
  :
elif [ -n "${CI-}" ]; then
  [ -d "$sources" ] || code=3
  fail 'the small one could not be built'
else
  echo 'build-static.sh: without the sources of the standard library (rust-src), without a compiler for
  C++, or with one of Rust that does not know these options, it is built as it comes, half as large
  again' >&2
  most=3145728
  [ -n "$emulator" ] || link='-C target-feature=+crt-static'
  CARGO_PROFILE_RELEASE_OPT_LEVEL=s RUSTFLAGS=$link build
fi
mkdir -p target/static
cp "target/static-build/$target/release/gltracker" "$binary"
size=$(wc -c <"$binary")
[ "$size" -le $most ] || fail "$binary has $size bytes, more than $most"

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
