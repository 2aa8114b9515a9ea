#!/usr/bin/env bash
# netavark 1.4.0, which makes the networks of podman 4.3.1 (Debian 12), with iptables 1.8.9, when the last
# container has gone.
#
# On a host without any firewall Linux tracks no connection. Setting up podman's default network for one
# container without a published port adds rules for NAT, among them one in the chain OUTPUT of the table nat,
# and from then on every connection of the whole host is tracked, also one from 127.0.0.1 to 127.0.0.1, which
# never meets the container. Tearing it down removes the bridge and the rules of that container. The
# general ones stay, and with them the tracking, until somebody removes them or the host starts anew.
#
# What follows: each TCP connection takes a place in the table for 120 s after its end
# (nf_conntrack_tcp_timeout_time_wait). A server with short connections on a host that ran one container last
# week may serve 262,144 / 120 s = 2,184 a second for long, with a table of the usual size. Beyond that the kernel drops packets of new
# connections ("table full, dropping packet"), and benchmarks on the loopback measure its retransmissions.
# Run benchmarks in a network namespace of their own, a trial of an image with --network none, and leave
# the server's port untracked.
set -euo pipefail
for tool in apt-get dpkg unshare ip python3; do
  command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 2; }
done
[ "$(id -u)" -eq 0 ] || { echo "only root may make networks" >&2; exit 2; }
if [ -z "${INSIDE-}" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get download -qq -o APT::Sandbox::User=root netavark=1.4.0-3 'iptables=1.8.9-2*' libxtables12 libnftnl11 \
    libmnl0 libip4tc2 libip6tc2 libnetfilter-conntrack3 libnfnetlink0 || exit 2
  for package in *.deb; do dpkg -x "$package" root; done
  mkdir path
  ln -s "$PWD/root/usr/sbin/xtables-nft-multi" path/iptables
  ln -s "$PWD/root/usr/sbin/xtables-nft-multi" path/iptables-save
  libraries=$(find "$PWD/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
  extensions=$(dirname "$(find "$PWD/root" -name libxt_addrtype.so)")
  self=$(cd "$OLDPWD" && realpath "$0")
  PATH=$PWD/path:$PATH LD_LIBRARY_PATH=$libraries XTABLES_LIBDIR=$extensions INSIDE=yes \
    unshare --net bash "$self" | tee seen
  diff - seen <<'END'
before: 0 of 50 connections tracked, bridges: 0, rules in OUTPUT: 0
one container: 50 of 50 connections tracked, bridges: 1, rules in OUTPUT: 1
none any more: 50 of 50 connections tracked, bridges: 0, rules in OUTPUT: 1
END
  exit
fi

ip link set lo up
unshare --net sleep 60 &
container=$!
trap 'kill "$container"' EXIT
until [ "$(readlink /proc/$container/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
cat >network.json <<'END'
{"container_id": "c1", "container_name": "c1",
 "networks": {"podman": {"interface_name": "eth0", "static_ips": ["10.88.0.2"]}},
 "network_info": {"podman": {"name": "podman", "driver": "bridge", "network_interface": "podman0",
   "id": "0000000000000000000000000000000000000000000000000000000000000001",
   "subnets": [{"subnet": "10.88.0.0/16", "gateway": "10.88.0.1"}],
   "ipv6_enabled": false, "internal": false, "dns_enabled": false, "ipam_options": {"driver": "host-local"}}}}
END
network() { # setup or teardown
  root/usr/lib/podman/netavark --config run "$1" /proc/$container/ns/net <network.json >/dev/null
}
look() { # connects fifty times from 127.0.0.1 to 127.0.0.1
  before=$(cat /proc/sys/net/netfilter/nf_conntrack_count 2>/dev/null || echo 0)
  python3 - <<'END'
import socket
listener = socket.create_server(("127.0.0.1", 0))
for _ in range(50):
    client = socket.create_connection(listener.getsockname())
    server = listener.accept()[0]
    client.close()
    server.close()
END
  after=$(cat /proc/sys/net/netfilter/nf_conntrack_count 2>/dev/null || echo 0)
  echo "$1: $((after - before)) of 50 connections tracked, bridges: $(ip -o link show type bridge | wc -l)," \
    "rules in OUTPUT: $(iptables-save -t nat | grep -c '^-A OUTPUT' || :)"
}
look before
network setup
look 'one container'
network teardown
look 'none any more'
