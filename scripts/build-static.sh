#!/bin/sh
# Builds target/static/gltracker: one file that needs nothing else on the machine, and tries it in
# an empty folder that it takes for the whole file system.
# usage: build-static.sh [TARGET], a musl target; that of this machine if none is given
set -eu
cd "$(dirname "$0")/.."
# Bytes it may have. A MiB is out of reach while the standard library comes as it is: of the code some
# 650 KB are its own and what it takes to print panics, built for speed, beside some 300 KB of tables
# for both; and a panic has to unwind.
most=1572864
target=${1:-$(uname -m)-unknown-linux-musl}
fail() {
  echo "build-static.sh: $*" >&2
  exit "${code:-1}"
}

libraries=$(rustc --print target-libdir --target "$target" 2>/dev/null) || libraries=''
[ -d "$libraries" ] || {
  command -v rustup >/dev/null || code=3 fail "install Rust's standard library for $target"
  rustup target add "$target"
}
# Panics are still caught: one conversation that panics is not to end the others.
CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_PROFILE_RELEASE_OPT_LEVEL=s \
  RUSTFLAGS='-C target-feature=+crt-static' \
  cargo build --release --locked --target "$target" --target-dir target/static-build
mkdir -p target/static
binary=target/static/gltracker
cp "target/static-build/$target/release/gltracker" "$binary"
size=$(wc -c <"$binary")
[ "$size" -le $most ] || fail "$binary has $size bytes, more than $most"

# A machine that does not allow a root of one's own tries it as it is.
root=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null || :; rm -r "$root"' EXIT
trap 'exit 130' HUP INT TERM
cp "$binary" "$root/gltracker"
in_root="unshare --user --map-root-user chroot $root /gltracker"
$in_root --version >/dev/null 2>&1 || {
  [ -z "${CI-}" ] || fail 'it does not run in an empty root'
  echo 'build-static.sh: no root of its own can be had here; trying it without' >&2
  in_root=$root/gltracker
}
[ "$($in_root --version)" = "$(sed -n 's/^version = "\(.*\)"/gltracker \1/p;/^version/q' Cargo.toml)" ] ||
  fail 'it says another version'

$in_root --servers 127.0.0.1:0 --clients 127.0.0.1:0 --max-slots 80 >/dev/null 2>"$root/log" &
pid=$!
tries=0
until grep -q event=listening "$root/log"; do
  tries=$((tries + 1))
  [ $tries -le 100 ] || {
    cat "$root/log" >&2
    fail 'it did not start to listen'
  }
  sleep 0.1
done
clients=$(sed -n 's/.* clients=\([^ ]*\).*/\1/p' "$root/log")
# Nobody is listed, which is what exit code 1 says; 3 would be no tracker there. The name is one
# that the resolver in the binary has to look up.
for host in 127.0.0.1 localhost; do
  code=0
  "$binary" list "$host:${clients##*:}" >/dev/null 2>&1 || code=$?
  [ $code -eq 1 ] || fail "list from $host ended with $code"
done
echo "$binary: $size bytes for $target; runs and answers in an empty root"
