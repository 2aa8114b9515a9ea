#!/usr/bin/env bash
# glibc 2.36 (getent of Debian 12) looks up a name with three addresses, in all six orders in which a name
# server may hand them out.
#
# getaddrinfo says the same order each time where the addresses are in the network of the one who asks: the
# one first that has the most leading bits in common with his own (RFC 6724, rule 9). Of addresses elsewhere
# it keeps the order of the name server.
#
# What follows: a name server that turns the addresses of a name round does not spread those who come from
# the same network, such as the game servers of a hoster: they all take the same one, and so does a program
# that is started again. Whoever wants several machines behind one name to share the load picks the first
# address by chance himself, among those of the family that getaddrinfo has put first.
set -euo pipefail
command -v unshare >/dev/null && command -v ip >/dev/null || { echo "unshare and ip are needed" >&2; exit 2; }
if [ "${1-}" != inside ]; then
  getconf GNU_LIBC_VERSION >/dev/null 2>&1 || { echo "this is not glibc" >&2; exit 2; }
  unshare --user --map-root-user --net --mount true || exit 2
  exec unshare --user --map-root-user --net --mount "$0" inside
fi
folder=$(mktemp -d)
trap 'umount /etc/hosts || true; rm -rf "$folder"' EXIT
: >"$folder/hosts"
mount --bind "$folder/hosts" /etc/hosts
ip link set lo up
ip link add eth0 type veth peer name eth1
ip address add 10.2.0.7/16 dev eth0
ip link set eth0 up
ip link set eth1 up
ip route add default via 10.2.0.1

# The first address in each order of the three, each once.
firsts() {
  local order
  for order in "$1 $2 $3" "$1 $3 $2" "$2 $1 $3" "$2 $3 $1" "$3 $1 $2" "$3 $2 $1"; do
    for address in $order; do echo "$address tracker.example"; done >"$folder/hosts"
    getent ahostsv4 tracker.example | awk 'NR == 1 { print $1 }'
  done | sort -u | paste -sd' '
}
near=$(firsts 10.2.0.6 10.2.200.1 10.2.100.1)
far=$(firsts 192.0.2.6 198.51.100.1 203.0.113.9)
echo "in the network of the one who asks, first is: $near"
echo "elsewhere, first is one of: $far"
[ "$near" = 10.2.0.6 ] && [ "$far" = "192.0.2.6 198.51.100.1 203.0.113.9" ]
