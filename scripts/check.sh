#!/bin/sh
# The one gate: format, lints, tests, documents. Everything that lands passes it.
#   GLTRACKER_TESTED=yes  the tests were run a moment ago, on the same files
set -eu
cd "$(dirname "$0")/.."
set -x
cargo fmt --check
cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
cargo clippy --all-targets --locked -- -D warnings
[ -n "${GLTRACKER_TESTED-}" ] || cargo test --locked
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
test "$(cargo tree --locked -e normal --prefix none | wc -l)" -eq 1
