#!/bin/sh
# Runs benches/siege in a network namespace of its own, in which a connection to an address of
# 127.64.0.0/10 also comes from it. Nothing outside the namespace is touched.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin # where ip is
for tool in unshare ip; do
    command -v "$tool" >/dev/null || { echo "siege.sh: $tool is not installed" >&2; exit 3; }
done
cargo bench --locked --bench siege --no-run
exec unshare --user --map-root-user --net sh -c '
    ip link set lo up
    ip route add local 127.64.0.0/10 dev lo table local
    exec cargo bench --offline --locked --bench siege -- "$@"' siege "$@"
