// By the keyboard alone, and with what a row opens.
export async function keyboard(stage) {
  const { browser } = stage;
  const at = (what, expression) => stage.see(`the keyboard is at ${what}`, expression, "document.activeElement.outerHTML");
  await browser.screen(1280, 800);
  await stage.go("#sort=address&order=up");
  await browser.press("ArrowDown", 40);
  await at("the first row of a page just opened", 'document.activeElement.closest(".row") === rowAt("1001")');
  await browser.press("/", 191, "/");
  await at("the search", 'document.activeElement.id === "search"');
  await browser.type("SATURDAY zone=eu");
  await stage.shows("found", "1001");
  await stage.see("a screen reader is told", 'text("found") === "1 game server found" && document.getElementById("found").ariaLive === "polite"');
  await browser.type(" nowhere");
  await stage.see("found nothing", 'text("found") === "0 game servers found" && text("state").startsWith("Nothing matches")');
  await browser.evaluate('seen("#state button")[0].focus()');
  await browser.press("Enter", 13, "\r");
  await at("a filter when all are shown again", 'seen(".row").length === 6 && document.activeElement.matches(".chip")');
  await stage.go("#map=oasis&mode=dm");
  await browser.evaluate('seen("#only .chip")[0].focus()');
  await browser.press("Enter", 13, "\r");
  await at("the other of two fields when one is let go", 'document.activeElement.matches("#only .chip") && document.activeElement.textContent === "mode dm"');
  await browser.press("Enter", 13, "\r");
  await at("a filter when the last one is", 'seen("#only .chip").length === 0 && document.activeElement.matches(".chip")');
  await stage.go("#sort=address&order=up");
  await browser.press("/", 191, "/");
  await browser.press("ArrowDown", 40);
  await at("the first row", 'document.activeElement.closest(".row") === rowAt("1001")');
  await browser.press("ArrowDown", 40);
  await browser.press("End", 35);
  await browser.press("ArrowUp", 38);
  await at("a row further down", 'document.activeElement.closest(".row") === rowAt("1005")');
  await stage.see("one row is reached by Tab", 'seen(".row [tabindex=\\"0\\"]").length === 1');
  await browser.press("Enter", 13, "\r");
  await stage.see("Enter opens all its fields", 'document.getElementById("details").open && text("where") === "127.0.0.1:1005" && seen("dt").length === 0', 'text("details")');
  await stage.see("the address holds it", 'new URLSearchParams(location.hash.slice(1)).get("server") === "127.0.0.1:1005"', "location.hash");
  await browser.press("c", 67, "c");
  await stage.see("a key copies the address", 'text("copied") === "Copied 127.0.0.1:1005"');
  await browser.press("Escape", 27);
  await stage.see("Escape closes", '!document.getElementById("details").open && location.hash === "#sort=address&order=up"', "location.hash");
  await at("the row that was open", 'document.activeElement.closest(".row") === rowAt("1005")');
  await copies(stage);
  await stage.go("#server=127.0.0.1:1001");
  await stage.see("an address opens a row", 'text("title") === "Saturday cycles"');
  await stage.see("what stands above is not said twice", '!seen("dt").some((key) => /^(ip|port|description|nbplayers|maxplayers)$/.test(key.textContent)) && seen("dt").length > 3');
  await browser.evaluate('seen("dd .pick").at(-1).focus(), at("details").style.height = "9rem", at("details").scrollTop = 50, getSelection().selectAllChildren(at("where"))');
  stage.update("1001", "nbplayers=19");
  await stage.see("who reads it is not disturbed by a change",
    'seen("dialog .figure")[0]?.textContent === "19/8" && document.activeElement.matches("dd .pick") && at("details").scrollTop === 50 && String(getSelection()) === "127.0.0.1:1001"',
    '[document.activeElement.outerHTML, at("details").scrollTop, String(getSelection())]');
  stage.update("1001", "nbplayers=20");
  await stage.see("and again", 'seen("dialog .figure")[0]?.textContent === "20/8"');
  await browser.evaluate('seen("dd .pick").find((pick) => pick.textContent === "oasis").click()');
  await stage.shows("a field of it narrows", "1001");
  await stage.see("and it is closed", '!document.getElementById("details").open && location.hash === "#map=oasis"', "location.hash");
  await stage.go("#server=free+games+at+example.com");
  await stage.see("what is no address is not shown", '!at("details").open && !document.body.innerText.includes("free games")');
  await stage.go("#server=127.0.0.1:9");
  await stage.see("one that is gone is said to be", 'text("details").includes("not listed at the moment")');
}

async function copies(stage) {
  const { browser } = stage;
  await browser.ask("Browser.grantPermissions", { origin: stage.url.slice(0, -1), permissions: ["clipboardReadWrite", "clipboardSanitizedWrite"] });
  const pasted = async (what, address) => {
    await browser.evaluate('document.getElementById("search").select()');
    await browser.ask("Input.dispatchKeyEvent", { type: "keyDown", key: "v", windowsVirtualKeyCode: 86, modifiers: 2, commands: ["paste"] });
    await stage.see(what, `document.getElementById("search").value === "${address}"`, 'document.getElementById("search").value');
    await browser.evaluate("change({ search: '' })");
  };
  await browser.evaluate('rowAt("1003").querySelector(".copy").click()');
  await stage.see("a click copies", 'text("copied") === "Copied 127.0.0.1:1003"');
  await pasted("and it can be pasted", "127.0.0.1:1003");
  // Pages that did not come over HTTPS have no clipboard of that kind.
  await browser.evaluate('Object.defineProperty(navigator, "clipboard", { value: undefined })');
  await browser.evaluate('rowAt("1004").querySelector(".copy").click()');
  await pasted("so it can without HTTPS", "127.0.0.1:1004");
}
