// What is listed, its order, and what narrows it.
import { listOf, someServers } from "./lists.mjs";
import { ATTACK, LINK, TITLE } from "./stage.mjs";

export async function listed(stage) {
  const { browser } = stage;
  await browser.screen(1280, 800);
  await stage.go();
  await stage.shows("most players first, what is not known last", "1002 1001 1003 1004 1005 1006");
  await stage.see("the community's name", `document.title === ${JSON.stringify(TITLE)} && text("home") === document.title`, "document.title");
  await stage.see("and its link", `document.getElementById("home").href === ${JSON.stringify(LINK)}`);
  await stage.see("the page is one file of at most 60 KB", `${stage.read("www/index.html").length} <= 60 * 1024 && !document.querySelector("link[href]:not([href^='data:']), script[src]")`);
  await stage.see("counts", '/^Players 15$/.test(seen("#players figcaption")[0].textContent) && seen("#servers b")[0].textContent === "6"');
  await stage.see("age", '/^Live · last change \\d+ seconds? ago$/.test(text("age"))', 'text("age")');
  const before = await browser.evaluate('text("age")');
  await stage.see("the age grows", `text("age") !== ${JSON.stringify(before)}`);
  await hostile(stage);
  await sorts(stage);
  await narrows(stage);
  await follows(stage);
  await stale(stage);
}

async function hostile(stage) {
  await stage.see("hostile text is text",
    `rowAt("1002").querySelector(".open").textContent === ${JSON.stringify(ATTACK)} && rowAt("1004").textContent.startsWith('</script><!-- &amp; " java')`);
  await stage.see("hostile text is no element and did nothing", 'typeof attacked === "undefined" && !document.querySelector("main :is(img, script, a)")');
  await stage.see("text that reads from the right is isolated",
    'getComputedStyle(rowAt("1003").querySelector(".open bdi")).direction === "rtl" && getComputedStyle(rowAt("1003")).direction === "ltr"');
  await stage.see("nothing comes from elsewhere", "foreign.length === 0", "foreign.join()");
  await stage.see("no word is broken: what has no room is on no second line",
    'seen(".row .pick, .row .tag, .row .open").every((element) => element.getClientRects().length === 1 && getComputedStyle(element).whiteSpace === "nowrap")');
  await stage.see("players are figure and bar", 'rowAt("1002").querySelector(".bar i").style.width === "75%" && rowAt("1002").querySelector(".figure").textContent === "12/16"');
  await stage.see("an empty one is told by a word", 'rowAt("1003").querySelector(".bar").textContent === "empty" && rowAt("1003").matches(".idle")');
}

// Every column: a click sorts, another reverses the order. Unknown values stay last.
async function sorts(stage) {
  const click = (key) => stage.browser.evaluate(`document.querySelector("#heads [data-key=${key}] button").click()`);
  const sort = async (key, up, down) => {
    await click(key);
    if (!(await stage.browser.evaluate(`document.querySelector("#heads [data-key=${key}]").ariaSort === "ascending"`))) await click(key);
    await stage.shows(`sorted by ${key}`, up);
    await stage.see(`${key} is said to be what is sorted by`, `seen("[aria-sort=ascending]").map((head) => head.dataset.key).join() === "${key}"`);
    await click(key);
    await stage.shows(`sorted by ${key}, turned round`, down);
    await stage.see(`the address says so`, key === "players" ? 'location.hash === ""' : `location.hash === "#sort=${key}&order=down"`, "location.hash");
  };
  await sort("players", "1003 1001 1002 1004 1005 1006", "1002 1001 1003 1004 1005 1006");
  await sort("version", "1002 1003 1001 1004 1005 1006", "1001 1003 1002 1004 1005 1006");
  await sort("speed", "1001 1002 1003 1004 1005 1006", "1002 1001 1003 1004 1005 1006");
  await sort("size", "1001 1003 1002 1004 1005 1006", "1003 1001 1002 1004 1005 1006");
  await sort("erase", "1004 1001 1002 1003 1005 1006", "1001 1004 1002 1003 1005 1006");
  await sort("address", "1001 1002 1003 1004 1005 1006", "1006 1005 1004 1003 1002 1001");
  // What is no letter or digit in front does not count: these are "Friday", "img", "script" and "W".
  await sort("name", "1001 1002 1004 1005 1003 1006", "1003 1005 1004 1002 1001 1006");
  const order = await stage.browser.evaluate('["Zoë 2", "zoe 10", "★ zoe 3", "zoe ４", "가", "ァ", "émile", "Emil", "", "***", "Öl", "Straße", "strasse 1"].map((name) => [name, sortable(name)])'
    + '.sort(([a, x], [b, y]) => (x === "") - (y === "") || (x < y ? -1 : Number(x > y))).map(([name]) => name).join()');
  if (order !== "Emil,émile,Öl,Straße,strasse 1,Zoë 2,★ zoe 3,zoe ４,zoe 10,ァ,가,,***") throw new Error(`names are sorted ${order}`);
  await stage.go("#sort=version&order=up&search=o");
  await stage.shows("the address of the page holds sort and search", "1002 1003 1001 1004");
}

async function narrows(stage) {
  const { browser } = stage;
  const click = (query) => browser.evaluate(`seen(${JSON.stringify(query)})[0].click()`);
  await stage.go();
  await click(".row .version .pick");
  await stage.shows("a click on a version narrows", "1002");
  await stage.see("the address holds it", 'location.hash === "#version=0.9"', "location.hash");
  await click("#only .chip");
  await stage.shows("another shows all", "1002 1001 1003 1004 1005 1006");
  await click("[data-filter=empty]");
  await stage.shows("empty ones are hidden", "1002 1001 1004 1005 1006");
  await stage.see("that is told", 'text("found") === "5 game servers found" && location.hash === "#hide=empty" && document.querySelector("[data-filter=empty]").ariaPressed === "true"');
  await stage.go("#hide=full,unchecked,empty");
  await stage.see("nothing is left where no port is open", 'text("state").startsWith("Nothing matches")');
  await click("#state button");
  await stage.shows("a button shows all again", "1002 1001 1003 1004 1005 1006");
  await stage.go("#version=0.9&search=cycles");
  await click("#state button");
  await stage.see("also in the address", 'location.hash === ""', "location.hash");
}

// The page is open while the list changes.
async function follows(stage) {
  const columns = (what, keys) => stage.see(`${what}: ${keys}`, `heads() === "${keys}"`, "heads()");
  const { browser } = stage;
  await stage.go();
  await columns("there are columns for what is listed", "name players version speed size erase more address");
  await browser.evaluate('rowAt("1001").isTheSame = true');
  stage.update("1001", 'nbplayers=20 description="Saturday cycles" map=oasis mode=dm game=Xonotic');
  await columns("another game brings its own, and what has no room is a tag", "name players game map mode version speed size more address");
  await stage.shows("an open page follows the list", "1001 1002 1003 1004 1005 1006");
  await stage.see("the row is another and the same", 'rowAt("1001").querySelector(".open").textContent === "Saturday cycles" && rowAt("1001").isTheSame');
  await stage.see("a full one is told by a word", 'rowAt("1001").querySelector(".bar").textContent === "full"');
  await browser.screen(1920, 1080);
  await columns("a wide window has them all", "name players game map mode version speed size erase more address");
  await browser.evaluate('document.getElementById("game").value = "Xonotic", document.getElementById("game").dispatchEvent(new Event("change"))');
  await stage.shows("a game can be chosen", "1001");
  await stage.see("the pictures are of that game", 'text("players").startsWith("Players 20")', 'text("players")');
}

// What may be gone comes last in every order, as in `gltracker list`, and counts as in the pictures and metrics.
async function stale(stage) {
  const servers = someServers(4);
  servers.forEach(({ info }, n) => Object.assign(info, { nbplayers: n + 1, description: "dcba"[n] }, n === 3 && { stale: "yes" }));
  delete servers[0].info.nbplayers;
  stage.instead["servers.json"] = listOf(servers);
  await stage.browser.screen(1280, 800);
  for (const [hash, order] of [["", "b c d a"], ["#sort=players&order=up", "c b d a"], ["#sort=name&order=up", "b c d a"], ["#sort=address&order=down", "b c d a"]]) {
    await stage.go(hash);
    await stage.see(`${hash || "at first"}: who may be gone comes last`, `seen(".open").map((name) => name.textContent).join(" ") === "${order}"`, 'seen(".open").map((name) => name.textContent)');
  }
  await stage.see("and counts", 'text("players").startsWith("Players 9")', 'text("players")');
  delete stage.instead["servers.json"];
}
