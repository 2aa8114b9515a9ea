#!/usr/bin/env bash
# Looks at the published page in a real browser: rows, hostile names, sorting, search, what a screen
# reader is told, a phone, a change while the page is open, a tracker that is silent, and a list that
# cannot be fetched.
# usage: check-page.sh [PROGRAM [FOLDER]], where PROGRAM is gltracker (target/release/gltracker if
# not given) and FOLDER is for screenshots (none if not given). Needs chromium and busybox.
set -euo pipefail
here=$(dirname "$0")
gltracker=${1:-$here/../target/release/gltracker}
shots=${2:-}
[ -x "$gltracker" ] || {
  echo "check-page.sh: there is no program $gltracker; cargo build --release makes it, or name another" >&2
  exit 2
}
[ -z "$shots" ] || mkdir -p "$shots"
work=$(mktemp -d)
pids=()
clean_up() {
  exec 3>&- 4>&-
  kill "${pids[@]}" || true
  wait || true
  # Processes of the browser may write there until they notice that the browser has ended.
  local tries=0
  until rm -rf "$work" || [ $((tries += 1)) -gt 100 ]; do sleep 0.05; done
} 2>/dev/null
trap clean_up EXIT
trap 'exit 130' HUP INT PIPE TERM
fail() {
  echo "check-page.sh: $*" >&2
  tail -n 5 "$work"/*.log >&2
  exit 1
}
soon() { # tries a command until it succeeds, for 20 s at most
  local end=$((SECONDS + 20))
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "waited in vain for: $*"
    sleep 0.05
  done
}

# A tracker and six game servers, some of them hostile.
export GLTRACKER_PASSWORD=secret
"$gltracker" serve --servers 127.0.0.1:0 --clients 127.0.0.1:0 --trust 127.0.0.0/8 --max-slots 80 \
  --publish "$work/www" >/dev/null 2>"$work/tracker.log" &
tracker=$!
pids+=("$tracker")
soon grep -qs event=listening "$work/tracker.log"
servers=$(sed -n 's/.* event=listening .*servers=\([^ ]*\).*/\1/p' "$work/tracker.log")
announce() { # PORT key=value...
  local port=$1
  shift
  : >"$work/$port.updates"
  "$gltracker" announce --tracker "$servers" --port "$port" --updates "$work/$port.updates" "$@" \
    2>"$work/$port.log" &
  pids+=($!)
}
attack='<img src=x onerror=attacked=1><script>attacked=1</script>'
announce 1001 nbplayers=3 maxplayers=8 version=0.70 speed=fast size=big erase=on \
  description='Friday cycles' zone=eu
announce 1002 nbplayers=12 maxplayers=16 version=0.9 speed=slow "description=$attack" "note=$attack"
announce 1003 nbplayers=0 version=0.10 size=small description='اسم الخادم (123' tostring=1
announce 1004 maxplayers=4 erase=off description='</script><!-- &amp; " javascript:attacked=1' \
  constructor=x
announce 1005 description="$(printf 'W%.0s' {1..120})"
announce 1006
soon grep -qs '"count":6' "$work/www/servers.json"
soon grep -qs '</html>' "$work/www/index.html"

# A web server for files alone, at any free port.
serve_folder() {
  port=$((20000 + RANDOM % 10000))
  busybox httpd -f -p "127.0.0.1:$port" -h "$work/www" 2>>"$work/web.log" &
  web=$!
  pids+=("$web")
  until (exec 5<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 $web 2>/dev/null || return
    sleep 0.05
  done
  # Another program may have the port, and this server be about to end.
  [ "$(wget_page)" = "$(cat "$work/www/index.html")" ] && kill -0 $web 2>/dev/null
}
wget_page() { busybox wget -q -O - "http://127.0.0.1:$port/index.html"; }
soon serve_folder
url=http://127.0.0.1:$port/

# The browser reads commands at its descriptor 3 and answers at 4.
mkfifo "$work/commands" "$work/answers"
exec 3<>"$work/commands" 4<>"$work/answers"
HOME=$work LANGUAGE=en chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
  --disable-background-networking --disable-component-update --disable-sync \
  --disable-breakpad --user-data-dir="$work/browser" --remote-debugging-pipe about:blank \
  >/dev/null 2>"$work/browser.log" &
pids+=($!)
number=0 shot=0
session=''
ask() { # METHOD [PARAMETERS]: leaves what the browser says in $answer
  number=$((number + 1))
  printf '{"id":%d,%s"method":"%s","params":%s}\0' $number "$session" "$1" "${2:-"{}"}" >&3
  until
    IFS= read -r -d '' -t 30 -u 4 answer || fail "the browser does not answer $1"
    [[ $answer == "{\"id\":$number,"* ]]
  do :; done
  [[ $answer == "{\"id\":$number,\"result\":"* ]] || fail "$1: $answer"
}
value_of() { # NAME: the string of that name in the answer
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$answer"
}
evaluate() { # EXPRESSION
  local code=${1//\\/\\\\}
  code=${code//\"/\\\"}
  ask Runtime.evaluate "{\"returnByValue\":true,\"expression\":\"${code//$'\n'/ }\"}"
}
is_so() {
  evaluate "$1"
  [[ $answer == *'"value":true'* ]]
}
see() { # WHAT EXPRESSION [EXPRESSION]: waits until the first is true; the second tells why it is not
  local end=$((SECONDS + 20))
  until is_so "$2"; do
    if [ $SECONDS -lt $end ]; then
      sleep 0.02
      continue
    fi
    evaluate "${3:-document.body.innerText}"
    fail "not so: $1: $2: $answer"
  done
  echo "ok: $1"
}
shows() { # WHAT PORTS: these rows, from the top
  see "$1: $2" "ports() === '$2'" 'ports()'
}
press() { # KEY CODE [TEXT]
  local key="\"key\":\"$1\",\"windowsVirtualKeyCode\":$2"
  ask Input.dispatchKeyEvent "{\"type\":\"keyDown\",$key,\"text\":\"${3:-}\"}"
  ask Input.dispatchKeyEvent "{\"type\":\"keyUp\",$key}"
}
screen() { # WIDTH HEIGHT SCHEME
  ask Emulation.setDeviceMetricsOverride \
    "{\"width\":$1,\"height\":$2,\"deviceScaleFactor\":1,\"mobile\":$([ "$1" -lt 600 ] && echo true || echo false)}"
  ask Emulation.setEmulatedMedia "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"$3\"}]}"
  see "nothing is wider than $1 pixels" \
    "innerWidth === $1 && document.documentElement.scrollWidth <= $1 && widest() <= $1" \
    '[innerWidth, document.documentElement.scrollWidth, widest()].join()'
  see "$3 colours" "luminance() $([ "$3" = dark ] && echo '<' || echo '>') 384" 'luminance()'
  [ -n "$shots" ] || return 0
  ask Page.captureScreenshot
  shot=$((shot + 1))
  value_of data | base64 -d >"$shots/$shot-$1-$3.png"
}
go() { # [#HASH]: as if the address was typed anew; waits for the list
  ask Page.navigate '{"url":"about:blank"}'
  ask Page.navigate "{\"url\":\"$url$1\"}"
  soon is_so 'at_id("counts").includes("game server")'
}
ask Target.createTarget '{"url":"about:blank"}'
ask Target.attachToTarget "{\"flatten\":true,\"targetId\":\"$(value_of targetId)\"}"
session="\"sessionId\":\"$(value_of sessionId)\","
ask Page.enable
# The reader's clock is a year fast. Nothing that is shown may depend on it.
helpers='
  const true_time = Date.now;
  Date.now = () => true_time() + 31536000000;
  const at_id = (id) => document.getElementById(id)?.textContent ?? "";
  const ports = () => [...document.querySelectorAll("td.address")].map((cell) => cell.textContent.split(":")[1]).join(" ");
  const heads_seen = () => [...document.querySelectorAll("thead th")].filter((head) => head.checkVisibility()).map((head) => head.dataset.key).join(" ");
  const widest = () => Math.max(...[...document.querySelectorAll("body *")].map((element) => element.getBoundingClientRect().right));
  const luminance = () => getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).reduce((sum, n) => sum + Number(n), 0);
  const name_of = (port) => [...document.querySelectorAll("#rows tr")].find((tr) => tr.querySelector(".address").textContent.endsWith(port))?.querySelector(".name");
  const foreign = [];
  new PerformanceObserver((list) => foreign.push(...list.getEntries().map(({ name }) => name).filter((name) => !name.startsWith(location.origin)))).observe({ type: "resource" });
'
helpers=${helpers//\\/\\\\}
helpers=${helpers//\"/\\\"}
ask Page.addScriptToEvaluateOnNewDocument "{\"source\":\"${helpers//$'\n'/ }\"}"

go ''
shows 'most players first, what is not known last' '1002 1001 1003 1004 1005 1006'
see 'counts' 'at_id("counts") === "6 game servers, 15 players"'
see 'age' '/^Updated \d+ seconds? ago/.test(at_id("age"))'
evaluate 'at_id("age")'
before=$(value_of value)
see 'the age grows' "at_id('age') !== '$before'"
see 'hostile text is text' \
  "name_of('1002').textContent === '$attack' && name_of('1004').textContent.startsWith('</script><!-- &amp; \" java')"
see 'hostile text is no element and did nothing' \
  'typeof attacked === "undefined" && !document.querySelector("main :is(img, script, a)")'
see 'text that reads from the right is isolated' \
  'getComputedStyle(name_of("1003").firstElementChild).direction === "rtl" && getComputedStyle(name_of("1003")).direction === "ltr" && getComputedStyle(name_of("1003").firstElementChild).unicodeBidi.startsWith("isolate")'
see 'nothing comes from elsewhere' \
  'foreign.length === 0 && performance.getEntriesByType("resource").every(({ name }) => name.startsWith(location.origin))' 'foreign.join()'

# Every column: a click sorts, another reverses the order. Unknown values stay last.
sorts() { # COLUMN UP DOWN
  evaluate "document.querySelector('[data-key=$1] button').click()"
  is_so "document.querySelector('[data-key=$1]').ariaSort === 'ascending'" ||
    evaluate "document.querySelector('[data-key=$1] button').click()"
  shows "sorted by $1" "$2"
  see "$1 is said to be what is sorted by" \
    "[...document.querySelectorAll('[aria-sort=ascending]')].map((head) => head.dataset.key).join() === '$1'"
  evaluate "document.querySelector('[data-key=$1] button').click()"
  shows "sorted by $1, turned round" "$3"
  see "$1 is said to be turned round" \
    "document.querySelector('[data-key=$1]').ariaSort === 'descending' && location.hash.startsWith('#sort=$1&order=down')"
}
sorts players '1003 1001 1002 1004 1005 1006' '1002 1001 1003 1004 1005 1006'
sorts version '1002 1003 1001 1004 1005 1006' '1001 1003 1002 1004 1005 1006'
sorts speed '1001 1002 1003 1004 1005 1006' '1002 1001 1003 1004 1005 1006'
sorts size '1001 1003 1002 1004 1005 1006' '1003 1001 1002 1004 1005 1006'
sorts erase '1004 1001 1002 1003 1005 1006' '1001 1004 1002 1003 1005 1006'
sorts address '1001 1002 1003 1004 1005 1006' '1006 1005 1004 1003 1002 1001'
sorts more '1004 1002 1003 1001 1005 1006' '1001 1003 1002 1004 1005 1006'
sorts name '1004 1002 1006 1001 1005 1003' '1003 1005 1001 1006 1002 1004'
# Nobody has this one.
sorts checked '1001 1002 1003 1004 1005 1006' '1001 1002 1003 1004 1005 1006'

go '#sort=version&order=up&search=o'
shows 'the address of the page holds sort and search' '1002 1003 1001 1004'

# By the keyboard alone: the search comes first, then the heads.
go ''
press Tab 9
see 'the keyboard reaches the search' 'document.activeElement.id === "search"'
ask Input.insertText '{"text":"FRIDAY zone=eu"}'
shows 'found' '1001'
see 'a screen reader is told' 'at_id("found") === "1 game server found" && document.getElementById("found").ariaLive === "polite"'
ask Input.insertText '{"text":" nowhere"}'
shows 'found nothing' ''
see 'that is told, too' 'at_id("found") === "0 game servers found"'
go ''
press Tab 9
press Tab 9
see 'the keyboard reaches the heads' 'document.activeElement.parentElement?.dataset.key === "name"'
press Enter 13 '\r'
shows 'the keyboard sorts' '1004 1002 1006 1001 1005 1003'

# What a screen reader sees, also on a phone, where the table does not look like one, and what is
# empty is left out.
tree() { # TABLES, ROWS, HEADS OF COLUMNS, OF ROWS, CELLS
  local seen='' role
  ask Accessibility.getFullAXTree
  for role in table row columnheader rowheader cell; do
    seen+=" $(grep -o "\"role\":{\"type\":\"[a-zA-Z]*\",\"value\":\"$role\"}" <<<"$answer" | wc -l)"
  done
  [ "$seen" = " $*" ] || fail "a screen reader sees$seen and not $*"
  echo "ok: a screen reader sees a table: $*"
}
screen 1280 800 light
tree 1 7 9 6 48
screen 390 844 light
tree 1 7 9 6 23
screen 320 568 dark
screen 768 1024 light
screen 1000 800 light
screen 390 844 dark
screen 1280 800 dark

# The page is open while the list changes, and while the list cannot be fetched.
go ''
shows 'open' '1002 1001 1003 1004 1005 1006'
columns() { # WHAT KEYS: these columns, from the left
  see "$1: $2" "heads_seen() === '$2'" 'heads_seen()'
}
columns 'there are columns for what is listed' 'name players version speed size erase checked address more'
evaluate 'name_of("1001").parentElement.isTheSame = true'
echo 'nbplayers=20 description="Saturday cycles" map=oasis mode=dm game=Xonotic' >>"$work/1001.updates"
columns 'another game brings its own' 'name players game map mode version speed size erase checked address more'
screen 1280 800 light
columns 'a wide window has them all' 'name players game map mode version speed size erase checked address more'
screen 1000 800 light
columns 'a narrow one those that matter' 'name players game map mode version checked address more'
tree 1 7 9 6 48
screen 390 844 light
columns 'a phone has room for all' 'name players game map mode version speed size erase checked address more'
shows 'an open page follows the list' '1001 1002 1003 1004 1005 1006'
see 'the row is another and the same' \
  'name_of("1001").textContent === "Saturday cycles" && name_of("1001").parentElement.isTheSame && at_id("counts") === "6 game servers, 32 players"'
{
  kill -KILL $tracker
  wait $tracker || true
} 2>/dev/null
mv "$work/www/servers.json" "$work/list"
see 'a list that is not there is told' '/cannot be fetched.*404.*known last/.test(at_id("trouble"))'
shows 'what was known last stays' '1001 1002 1003 1004 1005 1006'
screen 390 844 light
head -c 300 "$work/list" >"$work/www/servers.json"
see 'so is half a list' 'at_id("trouble").includes("JSON")'
sed 's/"nbplayers":20/"nbplayers":1/' "$work/list" >"$work/www/servers.json"
shows 'the list is back' '1002 1001 1003 1004 1005 1006'
see 'and all is well' 'at_id("trouble") === ""'

# A page that is opened when the tracker has long been silent, and one that sees it come back. The time
# that counts is the file's: the clock of a tracker on another machine may be an hour fast.
silent_for() { # SECONDS [AHEAD]: puts the list there as a tracker wrote it so long ago
  local then=$(($(date +%s) - $1 + ${2:-0}))
  sed "1s/\"updated\":\"[^\"]*\",\"written\":\"[^\"]*\"/\"updated\":\"$(date -ud "@$((then - 60))" +%FT%TZ)\",\"written\":\"$(date -ud "@$then" +%FT%TZ)\"/" \
    "$work/list" >"$work/new"
  touch -d "@$then" "$work/new" # the web server tells two files of one length apart by their second
  mv "$work/new" "$work/www/servers.json"
}
silent_for 180
go ''
see 'a dead tracker is told' 'at_id("age") === "The tracker has not been heard for 3 minutes. This is what it said last."'
see 'and its rows are dimmed' '[...document.querySelectorAll("#rows tr")].every((tr) => getComputedStyle(tr).opacity === "0.65")'
see 'said aloud only when it begins' 'document.getElementById("age").ariaLive === "off"'
screen 1280 800 light
screen 390 844 dark
silent_for 7300
see 'a page that sees the file change believes that' '/^Updated [6-9]\d seconds ago/.test(at_id("age"))' 'at_id("age")'
go ''
see 'another has no other word for it' 'at_id("age").includes("not been heard for 2 hours")'
silent_for 60
go ''
see 'a quiet list is no dead tracker' 'at_id("age").startsWith("Updated 2 minutes ago")'
see 'and its rows are as ever' '[...document.querySelectorAll("#rows tr")].every((tr) => getComputedStyle(tr).opacity === "1")'
silent_for 0 3600
go ''
see 'a clock that is fast hides no age' '/^Updated [6-9]\d seconds ago/.test(at_id("age"))'
kill "$web"
see 'a web server that is gone is told' 'at_id("trouble").includes("known last")'
shows 'what was known last stays' '1001 1002 1003 1004 1005 1006'
see 'nothing hostile was done in all that time' 'typeof attacked === "undefined"'
echo 'check-page.sh: the page is as it should be'
