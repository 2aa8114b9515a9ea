#!/bin/sh
# The one gate: format, lints, tests, documents. Everything that lands passes it.
set -eu
cd "$(dirname "$0")/.."
set -x
cargo fmt --check
cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
cargo clippy --all-targets --locked -- -D warnings
cargo test --locked
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
test "$(cargo tree --locked -e normal --prefix none | wc -l)" -eq 1
