#!/bin/sh
# Looks at the published page in a real browser, of which check-page/main.mjs says what it looks at.
# usage: check-page.sh [PROGRAM [FOLDER]]
#        check-page.sh --speed [PROGRAM [OLDER-PAGE.html]]
# PROGRAM is gltracker (target/release/gltracker if not given) and FOLDER is for screenshots (none if not
# given). --speed judges only how fast the page is, and how much faster than an older one; it means
# something on a machine that does nothing else. Needs chromium, node and axe-core.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mode=looks
[ "${1:-}" != --speed ] || { mode=speed && shift; }
gltracker=${1:-$here/../target/release/gltracker}
[ -x "$gltracker" ] || {
  echo "check-page.sh: there is no program $gltracker; cargo build --release makes it, or name another" >&2
  exit 2
}
command -v node >/dev/null || PATH=$PATH:$here/../target/tools
for tool in chromium node; do
  command -v $tool >/dev/null || {
    echo "check-page.sh: there is no $tool; install-test-tools.sh installs it" >&2
    exit 2
  }
done
exec node "$here/check-page/main.mjs" $mode "$gltracker" "${2:-}"
