#!/bin/sh
# Installs the programs that the end-to-end tests drive and the benches compare with, where
# apt-get does that, and what the fuzzing and the files of a release need.
set -eu
PATH=$PATH:/usr/sbin:/sbin
cargo fuzz --version >/dev/null 2>&1 || cargo install --locked --version 0.13.2 cargo-fuzz
missing=''
for tool in bash:bash dash:dash busybox:busybox ip:iproute2 nc.openbsd:netcat-openbsd \
  nc.traditional:netcat-traditional ncat:ncat socat:socat telnet:telnet tmux:tmux \
  openssl:openssl prlimit:util-linux unshare:util-linux \
  nsenter:util-linux mount:mount haproxy:haproxy redis-server:redis-server \
  promtool:prometheus chromium:chromium curl:curl python3:python3 c++:g++ qemu-aarch64:qemu-user \
  x86_64-w64-mingw32-gcc:gcc-mingw-w64-x86-64-win32 wine:wine perl:perl-base \
  systemd-analyze:systemd systemd-socket-activate:systemd; do
  command -v "${tool%:*}" >/dev/null || missing="$missing ${tool#*:}"
done
if [ -z "$missing" ]; then
  echo 'install-test-tools.sh: nothing is missing'
  exit
fi
if ! command -v apt-get >/dev/null; then
  echo "install-test-tools.sh: there is no apt-get here; install by hand:$missing" >&2
  exit 1
fi
as_root=''
[ "$(id -u)" -eq 0 ] || as_root=sudo
echo "install-test-tools.sh: installing$missing"
# Debian starts each service that it installs, unless this says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | $as_root install -m 755 /dev/stdin "$policy"
  trap '$as_root rm -f "$policy"' EXIT
fi
$as_root apt-get update
# shellcheck disable=SC2086 # several packages
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
