// Chromium without a window, driven over its DevTools protocol by a pipe: commands at its descriptor 3,
// answers at 4.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

const PATIENCE_MS = 30000;
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad",
  "--remote-debugging-pipe"];

export class Browser {
  #process; #number = 0; #asked = new Map(); #session;
  shots = 0;

  // Its files go into `folder`, and screenshots into `shotFolder`, if there is one.
  constructor(folder, shotFolder) {
    if (shotFolder) mkdirSync(shotFolder, { recursive: true });
    this.shotFolder = shotFolder;
    const env = { ...process.env, HOME: folder, LANGUAGE: "en" };
    this.#process = spawn("chromium", [...FLAGS, `--user-data-dir=${folder}/browser`, "about:blank"],
      { env, stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], detached: true });
    this.#process.on("exit", () => { throw new Error("the browser has ended"); });
    let rest = [];
    this.#process.stdio[4].on("data", (data) => {
      for (let end; (end = data.indexOf(0)) >= 0; data = data.subarray(end + 1)) {
        this.#hear(JSON.parse(Buffer.concat([...rest, data.subarray(0, end)])));
        rest = [];
      }
      rest.push(data);
    });
  }

  async start() {
    const { targetId } = await this.ask("Target.createTarget", { url: "about:blank" });
    ({ sessionId: this.#session } = await this.ask("Target.attachToTarget", { flatten: true, targetId }));
    await this.ask("Page.enable");
  }

  #hear({ id, result, error }) {
    this.#asked.get(id)?.(error ? { error } : { result });
    this.#asked.delete(id);
  }

  async ask(method, params = {}) {
    const id = (this.#number += 1);
    const { promise, resolve } = Promise.withResolvers?.() ?? deferred();
    this.#asked.set(id, resolve);
    const timer = setTimeout(() => resolve({ error: "no answer" }), PATIENCE_MS);
    this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.#session })}\0`);
    const { result, error } = await promise;
    clearTimeout(timer);
    if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  // What an expression is, or a function of the page with these arguments; waits for a promise.
  async evaluate(code, ...given) {
    const expression = typeof code === "string" ? code : `(${code})(${given.map((one) => JSON.stringify(one)).join()})`;
    const { result, exceptionDetails } = await this.ask("Runtime.evaluate",
      { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  // What runs in each page before its own script.
  async first(source) { await this.ask("Page.addScriptToEvaluateOnNewDocument", { source }); }

  async open(url) {
    await this.ask("Page.navigate", { url: "about:blank" });
    await this.ask("Page.navigate", { url });
  }

  async press(key, code, text = "", modifiers = 0) {
    const what = { key, windowsVirtualKeyCode: code, modifiers };
    await this.ask("Input.dispatchKeyEvent", { type: "keyDown", ...what, text });
    await this.ask("Input.dispatchKeyEvent", { type: "keyUp", ...what });
  }

  async type(text) { await this.ask("Input.insertText", { text }); }

  async screen(width, height, scheme = "light") {
    await this.ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.ask("Emulation.setTouchEmulationEnabled", { enabled: width < 900 });
    await this.ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  }

  async shoot(name) {
    if (!this.shotFolder) return;
    const { data } = await this.ask("Page.captureScreenshot");
    this.shots += 1;
    writeFileSync(`${this.shotFolder}/${name}.png`, Buffer.from(data, "base64"));
  }

  // It has processes of its own, which are all of one group. Nothing may be left of them, or none was started.
  end() { try { process.kill(-this.#process.pid, "SIGKILL"); } catch { /* So there is nothing to end. */ } }
}

function deferred() {
  let resolve;
  const promise = new Promise((done) => { resolve = done; });
  return { promise, resolve };
}
