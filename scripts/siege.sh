#!/bin/sh
# Runs benches/siege in a network namespace of its own, in which a connection to an address of
# 127.64.0.0/10 or to one of 2001:db8:1::/48 below also comes from it. Nothing outside the namespace
# is touched.
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
    # An IPv6 connection comes only from an address that exists. So there are four subnets of each of
    # 50 customers, and 21 of one more. Where the system has no IPv6 the siege says so.
    {
        for customer in $(seq 1 50); do
            for subnet in 0 1 2 3; do printf "%02x%02x\n" "$customer" "$subnet"; done
        done
        for subnet in $(seq 0 20); do printf "80%02x\n" "$subnet"; done
    } | sed "s/.*/addr add 2001:db8:1:&::1\/128 dev lo nodad/" | ip -6 -batch - || true
    exec cargo bench --offline --locked --bench siege -- "$@"' siege "$@"
