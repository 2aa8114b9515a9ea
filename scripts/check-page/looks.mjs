// How it looks at every width, in light and dark: nothing is wider than the window, and axe-core finds
// nothing to complain of.
import { existsSync, readFileSync } from "node:fs";
import { activityOf, listOf, someServers } from "./lists.mjs";
import { soon } from "./stage.mjs";

const SIZES = [[1280, 800], [768, 1024], [360, 740]];
const SCHEMES = ["light", "dark"];
const AXE = process.env.AXE ?? new URL("../../target/tools/node_modules/axe-core/axe.min.js", import.meta.url).pathname;

export async function looks(stage) {
  const axe = existsSync(AXE) ? readFileSync(AXE, "utf8") : "";
  if (!axe) {
    if (process.env.GLTRACKER_NO_SKIP) throw new Error("there is no axe-core (scripts/install-test-tools.sh)");
    console.log("SKIPPED: there is no axe-core (scripts/install-test-tools.sh)");
  }
  const look = (name, width, height, scheme) => lookAt(stage, axe, name, width, height, scheme);
  for (const [width, height] of SIZES) {
    await stage.browser.screen(width, height);
    await stage.go();
    for (const scheme of SCHEMES) await look("hostile", width, height, scheme);
  }
  await readOut(stage);
  const servers = someServers(60);
  const few = servers.slice(0, 20);
  stage.instead["activity.json"] = activityOf(servers);
  const states = [
    ["full", listOf(servers), "#sort=players&order=down"],
    ["details", listOf(few), `#server=${few[3].addresses[0]}`],
    ["empty", listOf([], Date.now(), Date.now() - 109 * 3600 * 1000), ""],
    ["silent", listOf(few, Date.now() - 200000), ""],
    ["missing", 404, ""],
  ];
  for (const [name, list, hash] of states) {
    for (const [width, height] of SIZES) {
      // Widths differ in the list; the rest is looked at in each colour once.
      const schemes = name === "full" ? SCHEMES : width === 768 ? [] : [width === 360 ? "dark" : "light"];
      stage.instead["servers.json"] = name === "full" && width < 1280 ? listOf(few) : list;
      await stage.browser.screen(width, height);
      if (schemes.length) await stage.go(hash);
      for (const scheme of schemes) await look(name, width, height, scheme);
    }
  }
  stage.instead["servers.json"] = listOf(servers);
  await room(stage);
  await tags(stage);
  await head(stage);
  await phone(stage);
  stage.instead = {};
}

async function lookAt(stage, axe, name, width, height, scheme) {
  const { browser } = stage;
  const at = `${name}, ${width} pixels, ${scheme}`;
  await browser.screen(width, height, scheme);
  await stage.see(`${at}: nothing is wider`, `innerWidth === ${width} && widest() <= ${width}`, "[innerWidth, widest()]");
  await stage.see(`${at}: its colours`, `luminance() ${scheme === "dark" ? "<" : ">"} 384`, "luminance()");
  await browser.shoot(`${name}-${width}-${scheme}`);
  if (!axe) return;
  await browser.evaluate(`if (!window.axe) { ${axe} }`);
  const found = await browser.evaluate(async () => {
    const { violations } = await window.axe.run({ resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0].target}: ${nodes[0].failureSummary}`).join("\n");
  });
  if (found) throw new Error(`${at}: axe-core finds ${found}`);
  console.log(`ok: ${at}: axe-core finds nothing`);
}

// What a screen reader sees: a table, also where it does not look like one.
async function readOut({ browser }) {
  for (const [width, height, cells] of [[1280, 800, 41], [360, 740, 0]]) {
    await browser.screen(width, height);
    await soon("a screen reader sees a table", async () => {
      const { nodes } = await browser.ask("Accessibility.getFullAXTree");
      const count = (role) => nodes.filter((node) => !node.ignored && node.role?.value === role).length;
      return count("table") === 1 && count("row") === 7 && count("rowheader") === 6 && count("columnheader") >= 8 && count("cell") >= cells;
    });
    console.log(`ok: ${width} pixels: a screen reader sees a table of seven rows with their heads`);
  }
}

// How many game servers there is room for.
async function room(stage) {
  const inSight = "seen('#rows .row').filter((row) => row.getBoundingClientRect().bottom <= innerHeight)";
  await stage.browser.screen(390, 844);
  await stage.go();
  await stage.see("at least six on a phone", `${inSight}.length >= 6`, `${inSight}.length`);
  await stage.see("name and players on the first line, the rest on the second",
    "seen('#rows .row').every((row) => { const [name, players, rest] = ['.open', '.figure', '.rest'].map((part) => row.querySelector(part).getBoundingClientRect()); return Math.abs(name.top - players.top) < 3 && rest.top >= name.bottom - 3 && rest.height < 24; })");
  await stage.see("all filters are in sight", "seen('.filters > :not(:empty)').length === 4 && seen('.filters > :not(:empty)').every((one) => one.getBoundingClientRect().right <= innerWidth)");
  await stage.browser.shoot("full-390-light");
  await stage.browser.screen(768, 1024);
  await stage.see("two columns on a tablet", `new Set(${inSight}.map((row) => row.getBoundingClientRect().left)).size === 2`);
  await stage.browser.screen(1280, 800);
  await stage.see("sixty lines on a desktop", "seen('#rows .row').length === 60 && seen('.tags[data-more]').length > 0 && seen('#rows .row').every((row) => row.getBoundingClientRect().height === 36)");
}

// No tag is cut where there is room, and no address for the tags.
async function tags(stage) {
  const { browser } = stage;
  const long = someServers(3).map(({ addresses, info }) => ({ addresses, info: { ...info, zone: "europe-west" } }));
  // Fields that are wide and nothing else: some become tags, for which there must be room, too.
  const wide = { map: "a-very-long-mapname", mode: "instagib-ctf", version: "0.8.6-beta2", speed: "unlimited", size: "gigantic", erase: "on", game: "counterstrikes" };
  const only = someServers(30).map(({ addresses, info: { ip, port } }) => ({ addresses, info: { ip, port, nbplayers: 1, maxplayers: 8, ...wide } }));
  const cut = "seen('.tag').filter((tag) => tag.offsetTop === tag.parentNode.firstChild.offsetTop && tag.scrollWidth > tag.clientWidth).map((tag) => tag.textContent)";
  const beyond = "seen('.address bdi').filter((address) => address.getBoundingClientRect().right > address.closest('.row').getBoundingClientRect().right - 44).length";
  for (const [what, servers] of [["sixty", someServers(60)], ["three from a zone with a long name", long], ["thirty with wide fields", only]]) {
    for (const width of [1280, 1920]) {
      stage.instead["servers.json"] = listOf(servers);
      stage.instead["activity.json"] = activityOf(servers);
      await browser.screen(width, 800);
      await stage.go();
      await stage.see(`${width} pixels, ${what}: no tag is cut, and no address`, `heads().includes("newest") && seen(".row").length === ${servers.length} && ${cut}.length === 0 && ${beyond} === 0`, `[${cut}, ${beyond}]`);
    }
  }
}

// The head of the table stays in sight.
async function head(stage) {
  const { browser } = stage;
  await browser.screen(1280, 800);
  stage.instead["servers.json"] = listOf(someServers(300));
  await stage.go();
  await browser.evaluate("scrollTo(0, 3000)");
  const top = 'at("heads").getBoundingClientRect().top';
  await stage.see("the head of the table stays in sight", `scrollY >= 3000 && ${top} === 0 && document.elementFromPoint(200, 20).closest(".heads") !== null`, `[scrollY, ${top}]`);
  await browser.shoot("scrolled-1280-light");
}

// What has little to say, on cards and in the sheet of a phone.
async function phone(stage) {
  const { browser } = stage;
  const bare = someServers(3).map(({ addresses, info: { ip, port } }) => ({ addresses, info: { ip, port, checked: "yes" } }));
  const map = "a-map-with-a-name-for-which-no-phone-has-room-at-all";
  stage.instead["servers.json"] = listOf([...bare, { ...bare[0], addresses: ["198.51.100.7:9"], info: { ip: "198.51.100.7", port: 9, zone: "eu", map } }]);
  delete stage.instead["activity.json"];
  for (const [width, height] of [[390, 844], [768, 1024]]) {
    await browser.screen(width, height);
    await stage.go();
    const indents = "seen('.rest.alone').map((rest) => rest.querySelector('.address bdi').getBoundingClientRect().left - rest.getBoundingClientRect().left)";
    // A tick stands before it.
    await stage.see(`${width} pixels: an address alone is not indented`, `${indents}.length === 3 && ${indents}.every((indent) => indent < 20)`, indents);
    await browser.shoot(`bare-${width}-light`);
  }
  await browser.screen(390, 844);
  await stage.go(`#map=${map}`);
  await stage.see("a long field that narrows is cut and not its ×", 'seen("#only .chip").length === 1 && seen("#only .chip")[0].scrollWidth <= seen("#only .chip")[0].clientWidth && seen("#only bdi")[0].scrollWidth > seen("#only bdi")[0].clientWidth', 'seen("#only .chip")[0].scrollWidth');
  await browser.shoot("chip-390-light");
  await stage.go(`#server=${bare[0].addresses[0]}`);
  const sheet = 'at("details").getBoundingClientRect()';
  await stage.see("a sheet is as high as what it says", `${sheet}.bottom === innerHeight && ${sheet}.height < 300 && at("details").scrollHeight <= at("details").clientHeight`, `${sheet}.toJSON()`);
  await browser.shoot("sheet-390-light");
}
