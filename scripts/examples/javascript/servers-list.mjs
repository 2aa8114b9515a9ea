// The list of a gltracker in a web page: servers.json, as `gltracker --publish` keeps it, fetched again
// only when it has changed. Runs in browsers and in Node 18 and later. servers-list.html shows its use.

/**
 * Calls `show` with the game servers whenever they have changed, and `fail` with why they could not be
 * fetched; what was shown before may then be old. Gives a function that ends it.
 */
export function followServers(url, show, fail = console.error, seconds = 5) {
  let ended = false, timer, list, shown;
  const known = {}; // what the web server said of the file: it sends it again only if it is another

  async function look() {
    try {
      const answer = await fetch(url, { headers: known, cache: 'no-store', signal: AbortSignal.timeout(20_000) });
      if (!answer.ok && answer.status !== 304) throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
      if (answer.ok) {
        list = await answer.json();
        remember('If-None-Match', answer.headers.get('ETag'));
        remember('If-Modified-Since', answer.headers.get('Last-Modified'));
      }
      // The tracker writes the file every 30 s even if nothing has changed. So an old one says that it is gone.
      const now = Date.parse(answer.headers.get('Date')) || Date.now();
      if (now - Date.parse(list.written) > 120_000) throw new Error(`nothing was heard of the tracker since ${list.written}`);
      if (!ended && list.revision !== shown) show(list.servers.map(server => server.info));
      shown = list.revision;
    } catch (error) {
      shown = undefined;
      if (!ended) fail(error);
    }
    // Chance keeps the pages of a thousand readers from asking in the same instant.
    if (!ended) timer = setTimeout(look, seconds * 1000 * (0.8 + 0.4 * Math.random()));
  }

  function remember(header, value) {
    if (value) known[header] = value;
    else delete known[header];
  }

  look();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

/** A page shows those last that may be gone, and before them those with the most players first. */
export const byPlayers = (a, b) =>
  (a.stale === 'yes') - (b.stale === 'yes') || (b.nbplayers ?? 0) - (a.nbplayers ?? 0);

export const address = ({ ip, port }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);
