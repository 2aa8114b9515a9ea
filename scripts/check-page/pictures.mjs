// How many there were, drawn from activity.json; and that the list does without.
import { activityOf, listOf, someServers } from "./lists.mjs";

export async function pictures(stage) {
  const { browser } = stage;
  const servers = someServers(60);
  await browser.screen(1280, 800);
  stage.instead["servers.json"] = listOf(servers);
  stage.instead["activity.json"] = undefined;
  await stage.go();
  await stage.see("without activity.json there are no pictures", 'seen("svg[role=img]").length === 0 && seen("#span").length === 0 && !heads().includes("newest")', "heads()");
  stage.instead["activity.json"] = activityOf(servers);
  await stage.go();
  await stage.see("two pictures, with words for who does not see them",
    'seen("figure svg[role=img]").every((svg) => /^(Players|Game servers) over the last day: at most \\d+, at least \\d+, \\d+ at the end\\.$/.test(svg.getAttribute("aria-label"))) && seen("figure svg").length === 2',
    'seen("figure").map((figure) => figure.outerHTML.slice(0, 400))');
  await stage.see("which end with what is listed now",
    'seen("figure").every((figure) => figure.querySelector("svg").getAttribute("aria-label").endsWith(`, ${figure.querySelector("b").textContent} at the end.`))');
  await stage.see("they are drawn", 'seen("figure .curve").every((path) => path.getBoundingClientRect().height > 2 && path.getBoundingClientRect().width > 200)');
  await stage.see("a small one in each row, of less than 2 KB", 'seen("#rows .spark svg").length === 60 && seen("#rows .spark svg").every((svg) => svg.outerHTML.length < 2048)',
    'seen("#rows .spark svg").map((svg) => svg.outerHTML.length)');
  await browser.evaluate('document.querySelector("[data-span=week]").click()');
  await stage.see("the week is longer, and has a gap where the tracker did not run",
    'location.hash === "#span=week" && /over the last week/.test(seen("figure svg")[0].getAttribute("aria-label")) && seen("figure .curve")[0].getAttribute("d").split("M").length === 3',
    'seen("figure .curve")[0].getAttribute("d")');
  const { left, top, width } = await browser.evaluate("seen('figure svg')[0].getBoundingClientRect().toJSON()");
  await browser.ask("Input.dispatchMouseEvent", { type: "mouseMoved", x: left + width / 2, y: top + 20 });
  await stage.see("a point of it is read out", '/^\\w+ \\d\\d:\\d\\d.*: \\d+$/.test(seen("figure .scale span")[1].textContent)', 'seen("figure .scale")[0].textContent');
  await stage.go("#sort=newest&order=down");
  await stage.see("the newest come first", '(() => { const all = seen("#rows .row").map((row) => row.querySelector(".new") !== null); return all[0] && all.indexOf(false) === all.filter(Boolean).length; })()');
  await stage.see("and are what the tracker saw come", `seen(".new").length === ${servers.filter((_, n) => n % 7 === 3).length}`, 'seen(".new").length');
  await stage.go("#sort=newest&order=up");
  await stage.see("the oldest come first the other way round", '(() => { const all = seen("#rows .row").map((row) => row.querySelector(".new") === null); return all[0] && all.indexOf(false) === all.filter(Boolean).length; })()');
  // Half of what the tracker has seen is not there yet: then nobody is known to be new.
  const young = JSON.parse(stage.instead["activity.json"]);
  young.all = { players: [4, 5], servers: [60, 60] };
  stage.instead["activity.json"] = JSON.stringify(young);
  await stage.go();
  await stage.see("after a start nobody is new", 'seen("figure svg").length === 2 && seen(".new").length === 0');
  const hostile = { ...young, all: { players: ["<b>", -1, null, 7], servers: [1e400, {}, 3] }, games: "no", rows: { __proto__: null, [servers[0].addresses[0]]: "<svg onload=attacked=1>" } };
  stage.instead["activity.json"] = JSON.stringify(hostile);
  await stage.go();
  await stage.see("what is no number is a gap", '/at least 7, /.test(seen("figure svg")[0].getAttribute("aria-label"))', 'document.querySelector("#players").outerHTML');
  stage.instead["activity.json"] = "[half";
  await stage.go();
  await stage.see("a damaged file is as none", 'seen("#rows .row").length === 60 && seen("figure svg").length === 0 && text("trouble") === ""');
  delete stage.instead["activity.json"];
  delete stage.instead["servers.json"];
}
