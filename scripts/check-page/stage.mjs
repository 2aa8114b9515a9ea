// What the page is looked at with: a tracker with six game servers, some of them hostile, a web server that
// can be told to fail, and a browser.
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { Browser } from "./browser.mjs";

const PATIENCE_MS = 20000;
export const pause = (ms) => new Promise((go) => { setTimeout(go, ms); });
export const ATTACK = "<img src=x onerror=attacked=1><script>attacked=1</script>";
export const TITLE = "Cycles & <b>friends</b>";
export const LINK = "https://cycles.example/?a=1&b=2";

// Tries until it is so, for 20 s at most. The second function tells why it is not.
export async function soon(what, isSo, why = () => "") {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await pause(20)) if (await isSo()) return;
  throw new Error(`waited in vain: ${what}: ${await why()}`);
}

export class Stage {
  #processes = [];
  // What is served in the place of a published file: a text, a function that makes one, a status, or
  // nothing for a file that is not there.
  instead = {};

  folder = mkdtempSync(`${tmpdir()}/gltracker-page-`);
  www = `${this.folder}/www`;

  async set(program, shotFolder) {
    await this.#serve();
    await this.#startTracker(program);
    this.browser = new Browser(this.folder, shotFolder);
    await this.browser.start();
  }

  #start(program, log, words) {
    const file = openSync(`${this.folder}/${log}`, "a");
    const child = spawn(program, words, { env: { ...process.env, GLTRACKER_PASSWORD: "secret" }, stdio: ["ignore", "ignore", file] });
    this.#processes.push(child);
    return child;
  }
  read(name) {
    const path = `${this.folder}/${name}`;
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  async #startTracker(program) {
    this.tracker = this.#start(program, "tracker.log", ["serve", "--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0",
      "--trust", "127.0.0.0/8", "--max-slots", "80", "--publish", this.www, "--title", TITLE, "--link", LINK]);
    await soon("the tracker listens", () => this.read("tracker.log").includes("event=listening"), () => this.read("tracker.log"));
    const servers = /event=listening .*servers=(\S+)/.exec(this.read("tracker.log"))[1];
    const announce = (port, ...words) => {
      writeFileSync(`${this.folder}/${port}.updates`, "");
      this.#start(program, `${port}.log`, ["announce", "--tracker", servers, "--port", port, "--updates", `${this.folder}/${port}.updates`, ...words]);
    };
    announce("1001", "nbplayers=3", "maxplayers=8", "version=0.70", "speed=fast", "size=big", "erase=on", "description=Friday cycles", "zone=eu");
    announce("1002", "nbplayers=12", "maxplayers=16", "version=0.9", "speed=slow", `description=${ATTACK}`, `note=${ATTACK}`);
    announce("1003", "nbplayers=0", "version=0.10", "size=small", "description=اسم الخادم (123", "tostring=1");
    announce("1004", "maxplayers=4", "erase=off", 'description=</script><!-- &amp; " javascript:attacked=1', "constructor=x");
    announce("1005", `description=${"W".repeat(120)}`);
    announce("1006");
    await soon("six are published", () => this.read("www/servers.json").includes('"count":6'), () => this.read("www/servers.json"));
    await soon("the page is published", () => this.read("www/index.html").includes("</html>"));
  }
  update(port, line) { appendFileSync(`${this.folder}/${port}.updates`, `${line}\n`); }

  async #serve() {
    this.web = createServer((request, response) => {
      const name = new URL(request.url, "http://host").pathname.slice(1) || "index.html";
      const instead = name in this.instead ? this.instead[name] : this.read(`www/${name}`);
      const body = typeof instead === "function" ? instead() : instead;
      if (typeof body === "number" || !body) return response.writeHead(body || 404).end();
      const type = { html: "text/html", mjs: "text/javascript" }[name.split(".").at(-1)] ?? "application/json";
      return response.writeHead(200, { "content-type": type, "cache-control": "no-cache" }).end(body);
    });
    await new Promise((go) => { this.web.listen(0, "127.0.0.1", go); });
    this.url = `http://127.0.0.1:${this.web.address().port}/`;
  }

  async see(what, expression, why = "document.body.innerText") {
    // What an expression speaks of may not be there yet.
    const tried = (code) => this.browser.evaluate(code).catch((error) => { if (!/TypeError/.test(error.message)) throw error; });
    await soon(`${what}: ${expression}`, () => tried(expression), async () => JSON.stringify(await tried(why)));
    console.log(`ok: ${what}`);
  }
  // These rows, from the top.
  async shows(what, ports) { await this.see(`${what}: ${ports}`, `ports() === ${JSON.stringify(ports)}`, "ports()"); }

  // As if the address was typed anew; waits for what the page shows then.
  async go(hash = "", query = "?soon") {
    await this.browser.open(this.url + query + hash);
    await soon("the page shows something", () => this.browser.evaluate("document.readyState === 'complete' && isShown()"));
  }

  clear() {
    for (const child of this.#processes) child.kill("SIGKILL");
    this.browser?.end();
    this.web?.closeAllConnections();
    this.web?.close();
    // Processes of the browser may write there until they notice that the browser has ended.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 50 });
  }
}

// What checks call in the page. The reader's clock is a year fast: nothing that is shown may depend on it.
export const HELPERS = `
  const true_time = Date.now;
  Date.now = () => true_time() + 31536000000;
  // A page that was asked to looks for a newer list ten times as often.
  const later = setTimeout;
  if (location.search === "?soon") window.setTimeout = (what, ms) => later(what, ms === 5000 ? 500 : ms);
  window.errors = [];
  addEventListener("error", ({ message }) => errors.push(message));
  addEventListener("unhandledrejection", ({ reason }) => errors.push(String(reason?.stack ?? reason)));
  const text = (id) => document.getElementById(id)?.textContent ?? "";
  const seen = (query) => [...document.querySelectorAll(query)].filter((element) => element.checkVisibility());
  const isShown = () => seen("#rows .row, .state:not(.waiting), #trouble").some((element) => element.textContent);
  const ports = () => seen("#rows .row").map((row) => row.querySelector(".address bdi").textContent.split(":").at(-1)).join(" ");
  const rowAt = (port) => seen("#rows .row").find((row) => row.querySelector(".address bdi").textContent.endsWith(port));
  const heads = () => seen("#heads [role=columnheader]").map((head) => head.dataset.key).join(" ");
  const widest = () => Math.max(document.documentElement.scrollWidth, ...seen("body *").filter((element) => !element.closest(".filters, .heads, .row > *, svg")).map((element) => element.getBoundingClientRect().right));
  const luminance = () => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, n) => sum + Number(n), 0);
  const foreign = [];
  new PerformanceObserver((list) => foreign.push(...list.getEntries().map(({ name }) => name).filter((name) => !name.startsWith(location.origin)))).observe({ type: "resource" });
`;
