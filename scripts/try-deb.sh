#!/bin/sh
# shellcheck disable=SC2086 # words that are several
# Tries the Debian package that build-deb.sh has built: lintian reads it; in a root of Debian where nothing
# else is it is installed, run, upgraded, removed and purged.
# usage: try-deb.sh [DEB], as root; that in target/deb if none is given
# The root is made once, from the mirror that apt-get has, and kept as target/debian-root.tar.
# Exit code 3: what it needs is missing (1 if GLTRACKER_NO_SKIP is set).
set -eu
cd "$(dirname "$0")/.."
deb=${1-$(echo target/deb/*.deb)}
fail() {
  echo "try-deb.sh: $*" >&2
  exit "${code:-1}"
}
skip() {
  [ -n "${GLTRACKER_NO_SKIP-}" ] || code=3
  fail "NOT TRIED: $*"
}
[ -f "$deb" ] || fail "$deb is not there (scripts/build-deb.sh)"
for tool in lintian mmdebstrap dpkg-deb systemd-analyze setpriv; do
  command -v $tool >/dev/null || skip "install $tool (scripts/install-test-tools.sh)"
done
[ "$(id -u)" -eq 0 ] || skip 'only root may make a root'

lintian --allow-root --fail-on error,warning "$deb"

kept=target/debian-root.tar
[ -f $kept ] || {
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" | sed q)
  mmdebstrap --quiet --variant=apt --include=bash-completion "$suite" $kept.new "deb ${mirror:-none} $suite main" ||
    skip 'no root of Debian could be made'
  mv $kept.new $kept
}
dir=$(mktemp -d)
root=$dir/root
pids=''
trap '{ kill -s KILL $pids; wait; rm -r "$dir"; } 2>/dev/null || :' EXIT
trap 'exit 130' HUP INT TERM
mkdir "$root"
tar -x -f $kept -C "$root"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
in_root="env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot $root"
apt() {
  $in_root apt-get --yes --quiet=2 -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o APT::Sandbox::User=root "$@" >"$dir/apt" 2>&1 || {
    cat "$dir/apt" >&2
    fail "apt-get $* has failed"
  }
}
is() { # WHAT FOUND EXPECTED
  [ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}
mode() {
  stat -c '%a %U' "$root/$1"
}
etc=$root/etc/gltracker
units='gltracker-clients.socket gltracker-servers.socket gltracker.service'
wanted=$root/etc/systemd/system/multi-user.target.wants/gltracker.service
everything() { # but what apt and dpkg keep for themselves
  (cd "$root" && find . ! -path './var/cache/*' ! -path './var/log/*' ! -path './var/lib/dpkg/*' \
    ! -path './var/lib/apt/*' ! -path './tmp/*' | LC_ALL=C sort)
}
everything >"$dir/before"

# Installed.
cp "$deb" "$root/tmp/first.deb"
apt install /tmp/first.deb
grep -q "made up a password" "$dir/apt" || fail 'it does not say that it has made up a password'
password=$(cat "$etc/password")
is 'the length of the password' ${#password} 32
is 'the folder' "$(mode etc/gltracker)" '700 root'
for file in password keys bans environment; do
  is "$file" "$(mode "etc/gltracker/$file")" '600 root'
done
[ -L "$wanted" ] || fail 'the service is not enabled'
for unit in $units; do
  said=$(systemd-analyze verify --man=no "$root/usr/lib/systemd/system/$unit" 2>&1) || fail "$unit: $said"
done
scripts/try-binary.sh /usr/bin/gltracker chroot "$root"

# Run as the unit says, by nobody in particular, with every flag that its file of variables proposes.
for folder in var/lib/gltracker run/gltracker tmp/credentials; do
  install -d -o 65534 -g 65534 "$root/$folder"
done
install -m 400 -o 65534 -g 65534 "$etc/password" "$etc/keys" "$etc/bans" "$root/tmp/credentials"
start=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/gltracker.service" |
  sed 's,%d,/tmp/credentials,; s,%S,/var/lib,; s,%t,/run,')
proposed=$(sed -n 's/^#\(GLTRACKER_.*=\)/\1/p' "$etc/environment" | grep -v REQUIRE_CHECK)
$in_root setpriv --reuid 65534 --regid 65534 --clear-groups env $proposed CREDENTIALS_DIRECTORY=/tmp/credentials \
  GLTRACKER_CLIENTS=127.0.0.1:0 GLTRACKER_SERVERS=127.0.0.1:0 $start >"$dir/screen" 2>"$dir/log" &
pids=$!
soon() { # tries a command until it succeeds, for 20 s at the most
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ $tries -le 200 ] || {
      cat "$dir/log" >&2
      fail "waited in vain for: $*"
    }
    sleep 0.1
  done
}
soon grep -q event=listening "$dir/log"
address() { # servers or clients
  sed -n "/event=listening/s/.* $1=\([^ ]*\).*/\1/p" "$dir/log"
}
announce="gltracker announce $(address servers) --port 23460 description=packed"
listed() {
  $in_root gltracker list "$(address clients)" --tsv 2>/dev/null | grep -q ^packed
}
# A wrong password is refused for good; the one that was made up is taken.
! $in_root env GLTRACKER_PASSWORD=wrong timeout 20 $announce </dev/null >"$dir/announce" 2>&1 ||
  fail 'a wrong password was taken'
grep -q bad-password "$dir/announce" || fail "no word of the wrong password: $(cat "$dir/announce")"
$in_root env GLTRACKER_PASSWORD="$password" $announce </dev/null >"$dir/announce" 2>&1 &
pids="$pids $!"
soon listed
soon [ -s "$root/var/lib/gltracker/state" ]
soon [ -s "$root/run/gltracker/servers.json" ]
kill -s KILL $pids
pids=''
rm -r "$root/run/gltracker" "$root/tmp/credentials"

# A shell finds the completions.
completed=$($in_root bash -c '. /usr/share/bash-completion/bash_completion
  _completion_loader gltracker
  words=$(complete -p gltracker)
  function=${words#* -F }
  COMP_WORDS=(gltracker annou) COMP_CWORD=1 COMP_LINE="gltracker annou" COMP_POINT=15
  "${function%% *}" gltracker annou gltracker
  echo "${COMPREPLY[@]}"')
is 'what bash completes' "${completed% }" announce

# Upgraded, after the operator has changed two files and disabled a unit. Of what he has changed, the new
# package brings another version in one.
echo GLTRACKER_MAX_SLOTS=77 >>"$etc/environment"
echo '203.0.113.9 mine' >>"$etc/bans"
rm "$wanted"
dpkg-deb -R "$deb" "$dir/second"
sed -i 's/^Version: .*/&.1/' "$dir/second/DEBIAN/control"
echo '# newer' | tee -a "$dir/second/etc/gltracker/bans" >>"$dir/second/etc/gltracker/keys"
dpkg-deb --root-owner-group -Zgzip --build "$dir/second" "$root/tmp/second.deb" >/dev/null
apt install /tmp/second.deb
is 'the last line of environment' "$(tail -n 1 "$etc/environment")" GLTRACKER_MAX_SLOTS=77
is 'the last line of bans' "$(tail -n 1 "$etc/bans")" '203.0.113.9 mine'
is 'the last line of bans.dpkg-dist' "$(tail -n 1 "$etc/bans.dpkg-dist")" '# newer'
is 'the last line of keys' "$(tail -n 1 "$etc/keys")" '# newer'
is 'the password' "$(cat "$etc/password")" "$password"
for file in password keys bans environment; do
  is "$file" "$(mode "etc/gltracker/$file")" '600 root'
done
[ ! -L "$wanted" ] || fail 'an upgrade enables what was disabled'

# Removed, which keeps what cannot be had again, and installed again.
apt remove gltracker
[ ! -e "$root/usr/bin/gltracker" ] || fail 'the program is there after it was removed'
is 'the password' "$(cat "$etc/password")" "$password"
[ -s "$root/var/lib/gltracker/state" ] || fail 'the list is gone'
apt install /tmp/second.deb
is 'the password' "$(cat "$etc/password")" "$password"

# Purged: nothing is left.
apt purge gltracker
everything | diff "$dir/before" - || fail 'a purge leaves something behind, or takes something away'
echo "$deb: installed, run, upgraded, removed and purged in a root of Debian"
