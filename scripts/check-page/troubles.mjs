// What is said when something is wrong, by an open page and by one that is opened then.
import { listOf, someServers } from "./lists.mjs";

const ROWS = "1001 1002 1003 1004 1005 1006";

export async function troubles(stage) {
  const { browser } = stage;
  await browser.screen(1280, 800);
  stage.instead["servers.json"] = 404;
  await stage.go();
  await stage.see("no list, and nobody says that it is being loaded", 'text("trouble").startsWith("There is no list here.") && seen("#trouble").length === 1 && seen("#state, .tools, #table, #pictures").length === 0');
  stage.instead["servers.json"] = stage.read("www/servers.json").slice(0, 300);
  await stage.go();
  await stage.see("half a list", 'text("trouble").startsWith("The list is damaged.")');
  delete stage.instead["servers.json"];
  await stage.shows("the list comes by itself", ROWS);
  await stage.see("and all is well", 'text("trouble") === "" && seen("#trouble").length === 0');
  stage.instead["servers.json"] = 503;
  await stage.see("a web server in trouble is told", '/in trouble.*503.*known last/.test(text("trouble"))');
  await stage.shows("what was known last stays", ROWS);
  stage.instead["servers.json"] = stage.read("www/servers.json").replace(/"nbplayers":20/, '"nbplayers":1');
  await stage.shows("the list is back", "1002 1001 1003 1004 1005 1006");
  stage.instead["servers.json"] = JSON.stringify(JSON.parse(stage.read("www/servers.json")), null, 1);
  await stage.shows("a list in another form is read, too", ROWS);
  const odd = someServers(5);
  [odd[0].info.map, odd[1].info.description, odd[2].info.game, odd[3].addresses] = [{ toString: 1 }, "\u3164 ", "\u2800", [{ toString: 1 }]];
  stage.instead["servers.json"] = listOf(odd).replace('"info":', '"info":\n');
  await stage.see("one bad entry loses no other, and what shows nothing is not said",
    `seen("#rows .row").length === 4 && seen(".open").some((name) => name.textContent === "${odd[1].addresses[0]}") && ![...at("game").options].some(({ value }) => value === "\u2800")`);
  stage.instead["servers.json"] = listOf([]);
  await stage.see("one that is empty since a moment has no figure", 'text("state").includes("No game server is listed.")', 'text("state")');
  stage.instead["servers.json"] = listOf([], Date.now(), Date.now() - 109 * 3600 * 1000);
  await stage.see("an empty list has a word of its own", 'text("state").startsWith("Nobody is here at the moment") && text("state").includes("for 5 days") && seen(".tools").length === 0', 'text("state")');
  stage.instead["servers.json"] = listOf(someServers(3));
  await stage.see("somebody comes", 'seen("#rows .row").length === 3 && seen("#state").length === 0');
  await silence(stage);
  await browser.screen(1280, 800);
  stage.instead = {};
  await stage.go();
  await stage.shows("open", ROWS);
  stage.web.closeAllConnections();
  stage.web.close();
  await stage.see("a web server that is gone is told", '/cannot be reached.*known last/.test(text("trouble"))');
  await stage.shows("what was known last stays", ROWS);
  await stage.see("nothing hostile was done in all that time", 'typeof attacked === "undefined"');
}

// A page that is opened when the tracker has long been silent, and one that sees it come back. The time
// that counts is the file's: the clock of a tracker on another machine may be an hour fast.
async function silence(stage) {
  const silentFor = (seconds, ahead = 0) => {
    const then = Date.now() - (seconds - ahead) * 1000;
    stage.instead["servers.json"] = listOf(someServers(9), then, then - 60000);
  };
  const then = Date.now() - 5 * 3600 * 1000;
  stage.instead["servers.json"] = listOf([], then, then);
  await stage.go();
  await stage.see("of an empty list only what was known last", 'text("silence").includes("for 5 hours") && text("state").startsWith("Nobody was here when the tracker was last heard") && !/at the moment|5 hours/.test(text("state"))', 'text("state")');
  silentFor(180);
  await stage.go();
  await stage.see("a dead tracker is told", 'text("silence") === "The tracker has not been heard for 3 minutes. This is what it said last."', 'text("silence")');
  await stage.see("and its rows lose their colours", 'getComputedStyle(document.getElementById("rows")).filter === "grayscale(1)" && text("age").startsWith("Not live")');
  await stage.see("said aloud only when it begins", 'document.getElementById("silence").ariaLive === "off"');
  silentFor(7300);
  await stage.see("a page that sees the file change believes that", '/^Live · last change [6-9]\\d seconds ago/.test(text("age"))', 'text("age")');
  await stage.go();
  await stage.see("another has no other word for it", 'text("silence").includes("not been heard for 2 hours")');
  silentFor(60);
  await stage.go();
  await stage.see("a quiet list is no dead tracker", 'text("age").startsWith("Live · last change 2 minutes ago") && text("silence") === ""', 'text("age")');
  silentFor(0, 3600);
  await stage.go();
  await stage.see("a clock that is fast hides no age", '/^Live · last change [6-9]\\d seconds ago/.test(text("age"))', 'text("age")');
}
