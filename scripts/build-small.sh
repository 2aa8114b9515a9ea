#!/bin/sh
# Builds target/static-build/TARGET/release/gltracker, for size.
# usage: build-small.sh TARGET, of Linux. For musl the program is static; for gnu, which must be this
# machine's, it is linked to glibc 2.36 or later and to libgcc_s.
# Exit code 3: a part of Rust that it needs is missing.
set -eu
cd "$(dirname "$0")/.."
# The most bytes that the program may have.
most=2000000 # 1,877,696 bytes were measured for x86_64 with musl, 1,830,416 with glibc
target=$1
fail() {
  echo "build-small.sh: $*" >&2
  exit "${code:-1}"
}

libraries=$(rustc --print target-libdir --target "$target" 2>/dev/null) || libraries=''
[ -d "$libraries" ] || rustup target add "$target" ||
  code=3 fail "install Rust's standard library for $target"
sources=$(rustc --print sysroot)/lib/rustlib/src/rust/library
[ -d "$sources" ] || rustup component add rust-src || :

export CARGO_PROFILE_RELEASE_STRIP=symbols
# Rust brings a linker, and for musl all that is linked, for this machine and for others. Of instructions that
# several functions have in common the outliner makes a function, where that saves 25 bytes or more; for
# less, its entry in the tables for unwinding costs more than it saves. What is to be compressed, as in a
# package, becomes smaller without that and with less inlining.
static=''
case $target in
  *-musl)
    static='-C target-feature=+crt-static'
    link="$static -C link-self-contained=yes -C linker=rust-lld -C linker-flavor=ld.lld"
    linked='-C link-args='
    tuned='-C llvm-args=-enable-machine-outliner=always -C llvm-args=-outliner-benefit-threshold=25
      -C llvm-args=-inline-threshold=10 -C llvm-args=-inlinehint-threshold=10'
    ;;
  *)
    link="-C link-args=-fuse-ld=lld -C link-args=-B${libraries%/lib}/bin/gcc-ld"
    linked='-C link-args=-Wl,'
    tuned=''
    ;;
esac
build() {
  cargo build --release --locked --target "$target" --target-dir target/static-build "$@"
}
# The unwinder that comes with Rust is built for speed as well, and the words that it prints before it
# aborts bring in all of printf. Its sources come with those of the standard library. For another kind of
# processor it is left as it is, unless CC and CXX name compilers for that, and with glibc there is libgcc_s.
unwinder=$PWD/target/static-build/unwinder
build_unwinder() (
  rm -rf "$unwinder" && mkdir -p "$unwinder" && cd "$unwinder" || exit
  [ -n "$static" ] || exit 0
  [ "${target%%-*}" = "$(uname -m)" ] || [ -n "${CXX-}" ] || exit 0
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
# frame pointers than without. The linker merges functions that are the same, and puts those that are
# alike near each other, which compresses better.
build_small() {
  RUSTC_BOOTSTRAP=1 CARGO_PROFILE_RELEASE_OPT_LEVEL=z \
    RUSTFLAGS="$link -C force-unwind-tables=no -C force-frame-pointers=yes \
      -Z panic-in-drop=abort -L native=$unwinder \
      -Z location-detail=none -Z fmt-debug=none \
      $tuned \
      ${linked}--icf=all ${linked}-zpack-relative-relocs ${linked}--bp-compression-sort=function" \
    build -Z build-std=std,panic_unwind -Z build-std-features=optimize_for_size
}
if [ -d "$sources" ] && build_unwinder && build_small; then
  :
elif [ -n "${CI-}" ]; then
  [ -d "$sources" ] || code=3
  fail 'the small one could not be built'
else
  echo 'build-small.sh: without the sources of the standard library (rust-src), without a compiler for
  C++, or with one of Rust that does not know these options, it is built as it comes, half as large
  again' >&2
  most=3145728
  [ "${target%%-*}" != "$(uname -m)" ] || link=$static
  CARGO_PROFILE_RELEASE_OPT_LEVEL=s RUSTFLAGS=$link build
fi
size=$(wc -c <"target/static-build/$target/release/gltracker")
[ "$size" -le $most ] || fail "for $target it has $size bytes, more than $most"
