#!/bin/sh
# shellcheck disable=SC2016,SC2086 # another program expands it; words that are several
# Tries the Debian package that build-deb.sh has built: lintian reads it; on a Debian where nothing else
# is, under its own systemd, it is installed, used, upgraded, removed and purged.
# usage: try-deb.sh [DEB], as root; that in target/deb if none is given
# That Debian is made once, from the mirror that apt-get has, and kept as target/debian.tar.
# Exit code 3: it was not tried, for something is missing (1 for a program if GLTRACKER_NO_SKIP is set).
set -eu
cd "$(dirname "$0")/.."
deb=${1-$(echo target/deb/*.deb)}
fail() {
  echo "try-deb.sh: $*" >&2
  exit "${code:-1}"
}
[ -f "$deb" ] || fail "$deb is not there (scripts/build-deb.sh)"
for tool in lintian mmdebstrap dpkg-deb unshare nsenter pivot_root ip; do
  command -v $tool >/dev/null || {
    [ -n "${GLTRACKER_NO_SKIP-}" ] || code=3
    fail "NOT TRIED: install $tool (scripts/install-test-tools.sh)"
  }
done
[ "$(id -u)" -eq 0 ] || code=3 fail 'NOT TRIED: only root may have a Debian of its own'

lintian --allow-root --fail-on error,warning "$deb"

kept=target/debian.tar
[ -f $kept ] || {
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" | sed q)
  mmdebstrap --quiet --variant=apt --format=tar --include=bash-completion,systemd "$suite" $kept.new \
    "deb ${mirror:-none} $suite main" || code=3 fail 'NOT TRIED: no Debian could be made'
  mv $kept.new $kept
}
dir=$(mktemp -d)
root=$dir/root
pids=''
groups=$dir/cgroup/gltracker-try-$$
end() {
  kill -s KILL $pids
  wait
  tries=0 # its processes are gone a moment later
  until [ ! -d $groups ] || find $groups -depth -type d -exec rmdir {} + || [ $tries -gt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
  umount "$dir/cgroup"
  rm -r "$dir"
}
trap 'end >/dev/null 2>&1 || :' EXIT
trap 'exit 130' HUP INT TERM
mkdir "$root" "$dir/cgroup"
tar -x -f $kept -C "$root"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
# Nothing but this script uses apt.
ln -s /dev/null "$root/etc/systemd/system/timers.target"
{ mount -t cgroup2 none "$dir/cgroup" && mkdir $groups; } || code=3 fail 'NOT TRIED: no control group can be had'

# It has processes, a network and control groups of its own. By chroot systemd could give a service no users
# of its own, and without the shared mounts no credentials.
cat >"$dir/boot" <<'END'
set -e
cd "$1"
mount --bind . .
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
ip link set lo up
mkdir old
pivot_root . old
umount -l old
rmdir old
mount --make-rshared /
exec env -i container=docker PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console
END
sh -c 'echo $$ >"$1/cgroup.procs" && exec unshare --mount --propagation private --pid --fork --kill-child --net \
  --uts --ipc --cgroup sh "$2/boot" "$2/root"' sh $groups "$dir" >"$dir/boot.log" 2>&1 &
pids=$!
soon() { # tries a command until it succeeds, for 60 s at the most
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ $tries -le 600 ] || {
      tail -n 5 "$dir"/*.log >&2
      fail "waited in vain for: $*"
    }
    sleep 0.1
  done
}
is() { # WHAT FOUND EXPECTED
  [ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}
has_booted() {
  init=$(cat /proc/$pids/task/$pids/children 2>/dev/null) || code=3 fail "NOT TRIED: no systemd of its own:
$(cat "$dir/boot.log")"
  inside="nsenter --target ${init:-0} --mount --pid --net --uts --ipc --cgroup env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin"
  $inside systemctl is-system-running --wait 2>/dev/null | grep -q 'running\|degraded'
}
soon has_booted
apt() {
  $inside DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet=2 -o Dpkg::Options::=--force-unsafe-io \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" >"$dir/apt.log" 2>&1 || {
    cat "$dir/apt.log" >&2
    fail "apt-get $* has failed"
  }
}
etc=$root/etc/gltracker
units='gltracker.service gltracker-clients.socket gltracker-servers.socket'
are() { # STATE: that of all units
  for unit in $units; do
    is $unit "$($inside systemctl is-active $unit)" "$1"
  done
}
secrets_are_safe() {
  is "$etc" "$(stat -c '%a %U' "$etc")" '700 root'
  for file in "$etc"/*; do
    is "$file" "$(stat -c '%a %U' "$file")" '600 root'
  done
  is 'the password' "$(cat "$etc/password")" "$password"
}
everything() { # but what apt, dpkg and systemd keep for themselves
  (cd "$root" && find . ! -path './var/cache/*' ! -path './var/log/*' ! -path './var/lib/dpkg/*' \
    ! -path './var/lib/apt/*' ! -path './var/lib/systemd/[!d]*' | LC_ALL=C sort)
}
everything >"$dir/before"

# Installed: it runs, with a password of its own.
cp "$deb" "$root/root/first.deb"
apt install /root/first.deb
grep -q 'made up a password' "$dir/apt.log" || fail 'it does not say that it has made up a password'
password=$(cat "$etc/password")
is 'the length of the password' ${#password} 32
secrets_are_safe
are active
for unit in $units; do
  said=$($inside systemd-analyze verify --man=no $unit 2>&1) || fail "$unit: $said"
  case $said in *gltracker*) fail "$unit: $said" ;; esac
done
announce='gltracker announce 127.0.0.1 --port 23460 description=packed'
! $inside GLTRACKER_PASSWORD=wrong timeout 60 $announce </dev/null >"$dir/wrong.log" 2>&1 ||
  fail 'a wrong password is taken'
grep -q bad-password "$dir/wrong.log" || fail "no word of the wrong password: $(cat "$dir/wrong.log")"
$inside GLTRACKER_PASSWORD="$password" $announce </dev/null >"$dir/announce.log" 2>&1 &
listed() {
  $inside gltracker list 127.0.0.1 --tsv --no-ping 2>/dev/null | grep -q ^packed
}
soon listed

# A shell finds the completions.
completed=$($inside bash -c '. /usr/share/bash-completion/bash_completion
  _completion_loader gltracker
  words=$(complete -p gltracker)
  function=${words#* -F }
  COMP_WORDS=(gltracker annou) COMP_CWORD=1 COMP_LINE="gltracker annou" COMP_POINT=15
  "${function%% *}" gltracker annou gltracker
  echo "${COMPREPLY[@]}"')
is 'what bash completes' "${completed% }" announce

# Upgraded, after the operator has changed two files, one of which is another in the new package. All that
# the variables propose is taken. Players see the list all the time.
sed -i '/REQUIRE_CHECK/d; s/^#GLTRACKER/GLTRACKER/' "$etc/environment"
cp "$etc/environment" "$dir/environment"
echo '203.0.113.9 mine' >>"$etc/bans"
dpkg-deb -R "$deb" "$dir/second"
sed -i 's/^Version: .*/&.1/' "$dir/second/DEBIAN/control"
echo '# newer' | tee -a "$dir/second/etc/gltracker/bans" >>"$dir/second/etc/gltracker/keys"
dpkg-deb --root-owner-group -Zgzip --build "$dir/second" "$root/root/second.deb" >/dev/null
(
  while [ ! -e "$dir/upgraded" ]; do
    listed && echo yes || echo no
    sleep 0.05 # a host may connect 50 times a second
  done >"$dir/seen"
) &
watcher=$!
pids="$pids $watcher"
apt install /root/second.deb
touch "$dir/upgraded"
wait $watcher
is 'the list during the upgrade' "$(sort -u "$dir/seen")" yes
are active
is 'the last line of bans' "$(tail -n 1 "$etc/bans")" '203.0.113.9 mine'
is 'the last line of bans.dpkg-dist' "$(tail -n 1 "$etc/bans.dpkg-dist")" '# newer'
is 'the last line of keys' "$(tail -n 1 "$etc/keys")" '# newer'
cmp "$etc/environment" "$dir/environment"
$inside journalctl -u gltracker | grep -q max-slots=4096 || fail 'what the variables say does not count'
$inside grep -q 'Friday cycles' /run/gltracker/index.html || fail 'the page has no title of its own'
secrets_are_safe

# What is disabled stays so.
$inside systemctl disable --quiet --now $units
apt install --reinstall /root/second.deb
are inactive

# Removed, which keeps what cannot be had again, and installed again.
$inside systemctl enable --quiet --now $units
apt remove gltracker
are inactive
[ ! -e "$root/usr/bin/gltracker" ] || fail 'the program is there after it was removed'
secrets_are_safe
[ -s "$root/var/lib/private/gltracker/state" ] || fail 'the list is gone'
apt install /root/second.deb
secrets_are_safe
are active

# Purged: nothing is left.
apt purge gltracker
rm "$root/root/first.deb" "$root/root/second.deb"
everything | diff "$dir/before" - || fail 'a purge leaves something behind, or takes something away'
$inside find /run /tmp -name '*gltracker*' | grep . && fail 'a purge leaves something behind'
is 'who listens' "$($inside cat /proc/net/tcp6 /proc/net/tcp | grep -c ' 0A ')" 0
echo "$deb: installed, used, upgraded, removed and purged on a Debian of its own"
