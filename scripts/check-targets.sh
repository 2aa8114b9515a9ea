#!/bin/sh
# Lints all of it for systems that it is not tested on. Nothing is linked there, and nothing runs.
# usage: check-targets.sh [TARGET...]
# Exit code 3: rustup cannot add a target. The others were linted.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] ||
  set -- x86_64-pc-windows-gnu aarch64-apple-darwin x86_64-unknown-freebsd aarch64-unknown-linux-musl
there=''
missing=''
for target; do
  libraries=$(rustc --print target-libdir --target "$target" 2>/dev/null) || libraries=''
  if [ -d "$libraries" ] || rustup target add "$target"; then
    there="$there --target $target"
  else
    missing="$missing $target"
  fi
done
# One of criterion's dependencies has a C file, which no lint sees. So `true` is compiler enough.
# shellcheck disable=SC2086 # several targets
[ -z "$there" ] || CC=true AR=true cargo clippy --all-targets --locked $there -- -D warnings
[ -z "$missing" ] || {
  echo "check-targets.sh: SKIPPED, NOT LINTED: rustup cannot add$missing" >&2
  exit 3
}
