#!/bin/sh
# shellcheck disable=SC2046,SC2086 # words that are several
# Builds the image gltracker:VERSION from Containerfile, with podman or docker, and tries it: read-only, as
# its own user, with its volumes and its health check. Where none of the two is there, or cannot run what it
# has built, the same root is tried by chroot, which takes root's rights.
# usage: build-container.sh
# Exit code 3: it was not tried, or something that build-static.sh needs is missing.
set -eu
cd "$(dirname "$0")/.."
fail() {
  echo "build-container.sh: $*" >&2
  exit "${code:-1}"
}
scripts/build-static.sh
version=$(sed -n 's/^version = "\(.*\)"/\1/p;/^version/q' Cargo.toml)
image=gltracker:$version
context=target/container
rm -rf $context
mkdir -p $context/empty
cp scripts/Containerfile target/static/gltracker $context

dir=$(mktemp -d)
root=$dir/root
name=gltracker-try-$$
pids=''
engine=''
remove() { # the containers that were made here
  $engine rm --force $($engine ps --all --quiet --filter label=$name)
}
end() {
  [ -z "$engine" ] || {
    remove
    $engine volume rm $name-state $name-publish
  }
  kill -s KILL $pids
  wait
  rm -r "$dir"
}
trap 'end >/dev/null 2>&1 || :' EXIT
trap 'exit 130' HUP INT TERM

if podman info >/dev/null 2>&1; then
  # The other format has no health check.
  podman build --quiet --format docker --tag $image $context >/dev/null
  engine=podman
elif docker info >/dev/null 2>&1; then
  docker build --quiet --file $context/Containerfile --tag $image $context >/dev/null
  engine=docker
else
  said='there is neither podman nor docker that works (on Debian: apt-get install podman)'
  command -v podman >/dev/null || [ -z "${GLTRACKER_NO_SKIP-}" ] || fail "$said"
  echo "build-container.sh: $said; no image is built" >&2
fi

# What the image has, and what it says.
mkdir -p "$root"
if [ -n "$engine" ]; then
  container=$($engine create --label $name $image)
  $engine export $container | tar -x -C "$root"
  $engine rm $container >/dev/null 2>&1
  health=$($engine image inspect --format '{{json .Config.Healthcheck}}' $image)
  case $health in *list*--check*) ;; *) fail "the image has no health check: $health" ;; esac
else
  sed -n 's/^COPY .*empty //p' $context/Containerfile | while read -r folder; do mkdir "$root$folder"; done
  cp $context/gltracker "$root/gltracker"
fi
user=$(sed -n 's/^USER //p' $context/Containerfile)
health=$(sed -n 's/^HEALTHCHECK .*"\/gltracker", \(.*\)]/\1/p' $context/Containerfile | tr -d '",')

export GLTRACKER_PASSWORD=secret GLTRACKER_TRACKER=
how=chroot
# Not everywhere may an engine raise limits, and podman's first choice, crun, does not run beside control
# groups of version 1. Without a network, because another would leave rules on the host, for which Linux tracks
# all of its connections.
lower='--ulimit nofile=4096 --ulimit nproc=4096'
for run in "$engine run" "$engine run $lower" "$engine --runtime runc run $lower"; do
  [ -n "$engine" ] || break
  ! $run --rm --no-healthcheck --network none $image --version >/dev/null 2>"$dir/log" || {
    how=$engine
    break
  }
done
if [ "$how" != chroot ]; then
  common="--label $name --read-only --network host --env GLTRACKER_PASSWORD --env GLTRACKER_TRACKER"
  once="$run --rm --no-healthcheck $common $image"
  kept="$engine cp $name:/state/list -"
  tracker="$run --name $name $common --volume $name-state:/state --volume $name-publish:/publish $image"
else
  [ -z "$engine" ] || echo "build-container.sh: $engine cannot run it here: $(tail -n 1 "$dir/log")" >&2
  [ "$(id -u)" -eq 0 ] || code=3 fail 'NOT TRIED: only root may try it by chroot'
  mkdir "$dir/state" "$dir/publish"
  chown "$user" "$dir/state" "$dir/publish"
  once=$dir/once
  cat >$once <<END
#!/bin/sh
exec unshare --mount sh -ec '
  cd $dir
  mount --bind root root
  mount -o remount,bind,ro root
  mount --bind state root/state
  mount --bind publish root/publish
  exec setpriv --no-new-privs chroot --userspec=$user --groups= root /gltracker "\$@"
' sh "\$@"
END
  chmod +x $once
  kept="cat $dir/state/list"
  tracker=$once
fi

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
address() { # servers or clients
  sed -n "/event=listening/s/.* $1=\([^ ]*\).*/\1/p" "$dir/log"
}
! $once $health >"$dir/health" 2>&1 || fail 'it is in good health before it was started'
start() {
  : >"$dir/log" # the shell that is to do so may be late
  $tracker --servers 127.0.0.1:0 --clients 127.0.0.1:0 --state /state/list --publish /publish >"$dir/log" 2>&1 &
  pids="$pids $!"
  soon grep -q event=listening "$dir/log"
  GLTRACKER_TRACKER=$(address clients)
}
listed() {
  $once list --tsv --no-ping 2>/dev/null | grep -q ^contained
}
is_kept() {
  $kept 2>/dev/null | grep -q contained
}
start
$once $health >"$dir/health" 2>&1 || fail "it is not in good health: $(cat "$dir/health")"
$once announce "$(address servers)" --port 23460 description=contained </dev/null >"$dir/announce" 2>&1 &
pids="$pids $!"
soon listed
soon is_kept
# The next one on the same volume has the list.
kill -s KILL $pids
wait $pids 2>/dev/null || : # it has the lock of the list until then
pids=''
[ "$how" = chroot ] || remove >/dev/null 2>&1
start
soon listed
echo "$image: runs read-only, answers and keeps its list ($how)"
