// Looks at the page as its readers do: what is listed and how it is sorted and narrowed, by mouse and
// keyboard; what a screen reader is told, in which colours and at which widths; what is said when something
// is wrong; and how fast it is with many game servers. Or judges only how fast it is.
import { example } from "./example.mjs";
import { listed } from "./listed.mjs";
import { keyboard } from "./keyboard.mjs";
import { looks } from "./looks.mjs";
import { pictures } from "./pictures.mjs";
import { judge, speed } from "./speed.mjs";
import { troubles } from "./troubles.mjs";
import { HELPERS, Stage } from "./stage.mjs";

const [mode, program, given] = process.argv.slice(2);
const stage = new Stage();
// However it ends, also before all has been started, nothing is left.
process.on("exit", () => stage.clear());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));
process.on("uncaughtException", (error) => { console.error(error); process.exit(1); });
try {
  if (mode === "speed") {
    await stage.set(program);
    await judge(stage, given);
    console.log("check-page.sh: the page is as fast as promised");
  } else {
    await stage.set(program, given);
    await stage.browser.first(HELPERS);
    for (const part of [listed, keyboard, pictures, looks, speed, example, troubles]) {
      await part(stage);
      await stage.see("the page's script made no mistake", "errors.length === 0", "errors");
    }
    console.log("check-page.sh: the page is as it should be");
  }
} catch (error) {
  console.error(`check-page.sh: ${error.message}`);
  process.exit(1);
}
process.exit();
