// ../examples/javascript/servers-list.html, in a browser: the list, and what is said when there is none.
import { readFileSync } from "node:fs";
import { listOf } from "./lists.mjs";
import { ATTACK } from "./stage.mjs";

export async function example(stage) {
  for (const name of ["servers-list.html", "servers-list.mjs"]) {
    stage.instead[name] = readFileSync(new URL(`../examples/javascript/${name}`, import.meta.url), "utf8");
  }
  const see = async (what, expression) => {
    await stage.browser.open(`${stage.url}servers-list.html`);
    await stage.see(`a page of one's own: ${what}`, expression);
  };
  const first = ["Saturday cycles\t20 of 8\t127.0.0.1:1001", `${ATTACK}\t12 of 16\t127.0.0.1:1002`];
  await see("those with most players first, and hostile text as text",
    `document.getElementById("servers").rows.length === 6 && document.getElementById("servers").innerText.startsWith(${JSON.stringify(first.join("\n"))}) && typeof attacked === "undefined"`);
  stage.instead["servers.json"] = listOf([]);
  await see("nobody is there", 'text("state") === "No game server is listed now."');
  stage.instead["servers.json"] = 503;
  await see("a web server in trouble", '/^This may be old: .*503/.test(text("state"))');
  stage.instead = {};
}
