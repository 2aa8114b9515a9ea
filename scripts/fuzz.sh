#!/usr/bin/env bash
# Fuzzes every target of tests/fuzz (or those that are named) for so many seconds, two at a time,
# from copies of the committed corpora, and prints a table of what came of it.
# usage: fuzz.sh SECONDS [TARGET...]
# Exit codes: 1 something was found, 3 a tool is missing (1 if GLTRACKER_NO_SKIP is set).
set -euo pipefail
cd "$(dirname "$0")/.."
# How many run at the same time.
at_once=2
# Seconds: an input that takes longer is a finding. None takes a tenth of a second on an idle machine.
timeout=30
# The longest input, in bytes: some lines of a kilobyte.
longest=4096

seconds=${1-}
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo 'usage: fuzz.sh SECONDS [TARGET...]' >&2
  exit 2
fi
shift
skip() {
  echo "fuzz.sh: SKIPPED, NOTHING WAS FUZZED: $1 (scripts/install-test-tools.sh)" >&2
  [[ -z ${GLTRACKER_NO_SKIP-} ]] || exit 1
  exit 3
}
cargo fuzz --version >/dev/null 2>&1 || skip 'cargo-fuzz is not installed'
command -v "${CXX:-c++}" >/dev/null || skip 'there is no C++ compiler'

known=$(cargo fuzz list --fuzz-dir tests/fuzz)
read -ra targets <<<"${*:-${known//$'\n'/ }}"
for target in "${targets[@]}"; do
  if ! grep -qxF -- "$target" <<<"$known"; then
    printf 'fuzz.sh: there is no target %s; there are:\n%s\n' "$target" "$known" >&2
    exit 2
  fi
done

# Without a sanitizer, since there is no unsafe code; so a stable compiler will do. More than one unit
# keeps two processors busy. The lock file counts.
cargo metadata --locked --format-version 1 --manifest-path tests/fuzz/Cargo.toml >/dev/null
cargo fuzz build --fuzz-dir tests/fuzz --sanitizer none --codegen-units 16
host=$(rustc -vV | sed -n 's/^host: //p')
programs=${CARGO_TARGET_DIR:-tests/fuzz/target}/$host/release

folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || :; wait; rm -r "$folder"' EXIT
trap 'exit 130' HUP INT TERM
fuzz() {
  local target=$1 artifacts=tests/fuzz/artifacts/$1
  mkdir -p "$artifacts"
  cp -r "tests/fuzz/corpus/$target" "$folder/$target"
  RUST_BACKTRACE=0 exec "$programs/$target" "$folder/$target" -dict=tests/fuzz/words.dict -max_len=$longest \
    -max_total_time="$seconds" -timeout=$timeout -artifact_prefix="$artifacts/" \
    -print_final_stats=1 >"$folder/$target.log" 2>&1
}
for target in "${targets[@]}"; do
  while [[ $(jobs -rp | wc -l) -ge $at_once ]]; do
    wait -n || :
  done
  fuzz "$target" &
  pids+=($!)
done

code=0
printf '%-16s %12s %16s  %s\n' target executions 'coverage edges' result
for at in "${!targets[@]}"; do
  target=${targets[at]} log=$folder/${targets[at]}.log result=ok
  if ! wait "${pids[at]}"; then
    code=1
    result=$(sed -n 's/.*Test unit written to /FOUND /p' "$log")
    found+=("$target")
  fi
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf '%-16s %12s %16s  %s\n' "$target" "${executions:--}" "${edges:--}" "${result:-FAILED}"
done
for target in ${found+"${found[@]}"}; do
  echo
  echo "$target:"
  # What was found, or why it did not run.
  grep -aA3 -m1 'panicked at\|ERROR: ' "$folder/$target.log" || tail -n 5 "$folder/$target.log"
done
exit $code
