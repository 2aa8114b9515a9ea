// Looks at the page as its readers do: what is listed and how it is sorted and narrowed, by mouse and
// keyboard; what a screen reader is told, in which colours and at which widths; what is said when something
// is wrong; and how fast it is with many game servers.
import { listed } from "./listed.mjs";
import { keyboard } from "./keyboard.mjs";
import { looks } from "./looks.mjs";
import { pictures } from "./pictures.mjs";
import { speed } from "./speed.mjs";
import { troubles } from "./troubles.mjs";
import { HELPERS, Stage } from "./stage.mjs";

const [program, shotFolder] = process.argv.slice(2);
let stage;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => { stage?.clear(); process.exit(130); });
process.on("uncaughtException", (error) => { console.error(error); stage?.clear(); process.exit(1); });
let exitCode = 0;
try {
  stage = await Stage.set(program, shotFolder);
  await stage.browser.first(HELPERS);
  for (const part of [listed, keyboard, pictures, looks, speed, troubles]) {
    await part(stage);
    await stage.see("the page's script made no mistake", "errors.length === 0", "errors");
  }
  console.log("check-page.sh: the page is as it should be");
} catch (error) {
  console.error(`check-page.sh: ${error.message}`);
  exitCode = 1;
} finally {
  stage?.clear();
}
process.exit(exitCode);
