// How fast it is with many game servers. What is promised is in ../README.md; the bounds here leave room for a
// busy machine.
import { listOf, someServers } from "./lists.mjs";
import { soon } from "./stage.mjs";

const ROUNDS = 3;
// Promised: 0.5 of a page that makes a table of all of them, 100 ms, and 60 frames a second.
const MOST_OF_PLAIN = 1.25;
const SORT_MS = 250;
const FRAMES_A_SECOND = 15;

// What a page without any art would be.
const PLAIN = `<!DOCTYPE html><meta charset="utf-8"><table><tbody id="rows"></tbody></table><script>
fetch("servers.json", { cache: "no-cache" }).then((answer) => answer.json()).then(({ servers }) => {
  servers.sort((a, b) => b.info.nbplayers - a.info.nbplayers);
  for (const { addresses: [address], info } of servers) {
    const row = document.createElement("tr");
    for (const text of [info.description, \`\${info.nbplayers}/\${info.maxplayers}\`, info.game, info.map, info.mode, info.version, info.speed, info.size, info.erase, address]) {
      const cell = document.createElement("td");
      cell.append(text ?? "");
      row.append(cell);
    }
    document.getElementById("rows").append(row);
  }
});
</script>`;
// When the frame with the first rows was made.
const WATCH = `{
  const watch = new MutationObserver(() => {
    if (!document.querySelector("#rows > *")) return;
    watch.disconnect();
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { window.painted = performance.now(); };
      port2.postMessage(0);
    });
  });
  watch.observe(document, { childList: true, subtree: true });
}`;
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

export async function speed(stage) {
  const { browser } = stage;
  await browser.screen(1280, 800);
  await browser.first(WATCH);
  await firstPaint(stage);
  const servers = someServers(5000);
  let round = 0;
  // Every time that the page looks, a tenth of them has changed.
  stage.instead["servers.json"] = () => {
    round += 1;
    for (let n = 0; n < 500; n += 1) servers[(n * 7 + round) % 5000].info.nbplayers = (n + round) % 9;
    return listOf(servers);
  };
  for (const [width, height] of [[1280, 800], [390, 844]]) {
    await browser.screen(width, height);
    await stage.go("", "");
    await stage.see(`${width} pixels: of 5,000 only those in sight are there`, 'text("servers").startsWith("Game servers 5,000") && seen("#rows .row").length < 100 && document.getElementById("table").ariaRowCount === "5001"');
    const sorts = await browser.evaluate(sortAll);
    console.log(`${width} pixels: 5,000 are sorted in ${sorts.map(Math.round).join(", ")} ms`);
    if (median(sorts) > SORT_MS) throw new Error("that is too slow");
    const { frames, late, seconds } = await browser.evaluate(scrollOn, 4);
    console.log(`${width} pixels: 5,000 scroll at ${(frames / seconds).toFixed(1)} frames a second while they change; ${late} of ${frames} were late`);
    if (frames / seconds < FRAMES_A_SECOND) throw new Error("that is too slow");
    await stage.see("rows are there wherever one scrolls to", "(() => { const { bottom } = document.getElementById('rows').lastElementChild.getBoundingClientRect(); return bottom >= innerHeight || scrollY + innerHeight >= document.documentElement.scrollHeight - 200; })()");
  }
  stage.instead = {};
}

async function firstPaint(stage) {
  const { browser } = stage;
  const took = { plain: [], page: [] };
  stage.instead["servers.json"] = listOf(someServers(1000));
  stage.instead["plain.html"] = PLAIN;
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const name of ["plain", "page"]) {
      await browser.open(stage.url + (name === "plain" ? "plain.html" : ""));
      await soon("rows are painted", () => browser.evaluate("window.painted > 0"));
      // The first time the browser itself is not yet warm.
      if (round > 0) took[name].push(await browser.evaluate("window.painted"));
    }
  }
  const [plain, page] = [median(took.plain), median(took.page)];
  console.log(`1,000 are painted after ${Math.round(page)} ms, by a plain page after ${Math.round(plain)} ms: ${(page / plain).toFixed(2)}`);
  if (page > plain * MOST_OF_PLAIN) throw new Error("that is too slow");
}

// These two run in the page.
async function sortAll() {
  const took = [];
  for (const sort of ["name", "map", "address", "players", "version"]) {
    for (const isDown of [false, true]) {
      const before = performance.now();
      change({ sort, isDown });
      document.body.getBoundingClientRect();
      took.push(performance.now() - before);
      await new Promise((go) => { setTimeout(go, 50); });
    }
  }
  return took;
}
async function scrollOn(seconds) {
  const start = performance.now();
  let [frames, late, last, place, step] = [0, 0, start, 0, 40];
  while (last - start < seconds * 1000) {
    place += step;
    if (place < 0 || place > document.documentElement.scrollHeight - innerHeight) step = -step;
    scrollTo(0, place);
    const now = await new Promise(requestAnimationFrame);
    frames += 1;
    // A frame at 60 Hz is 16.7 ms.
    if (now - last > 25) late += 1;
    last = now;
  }
  return { frames, late, seconds };
}
