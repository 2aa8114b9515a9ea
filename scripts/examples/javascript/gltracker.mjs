// What a game server and a client of a gltracker have in common: the spelling of lines, and how a
// tracker is reached by its name. For Node 18 and later, without packages. PROTOCOL.md says the rest.

import dns from 'node:dns/promises';
import net from 'node:net';

/** `speed=fast description="two words"` as an object. Words that are no key=value are left out. */
export function parseFields(text) {
  const fields = Object.create(null); // A stranger's key, such as "constructor", finds nothing there.
  for (const [, key, quoted, bare] of text.matchAll(/(?<![^ ])([a-z][a-z0-9_-]*)=(?:"((?:[^"\\]|\\.)*)"|([^ "]*))(?![^ ])/g))
    fields[key] = quoted?.replace(/\\(.)/g, '$1') ?? bare;
  return fields;
}

/** Spaces in place of what no value may hold: control characters, separators of lines, bidirectional controls. */
export const clean = text => text.replace(/[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ');

/** A value in quotes where it must be, and of it the whole letters that 255 bytes have room for. */
export function spellValue(value) {
  const bytes = Buffer.from(clean(String(value))).subarray(0, 255);
  const text = new TextDecoder().decode(bytes, { stream: true }); // leaves out half a letter at the end
  return /[ "]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
}

export const spellFields = fields =>
  Object.entries(fields).map(([key, value]) => `${key}=${spellValue(value)}`).join(' ');

/** HOST:PORT, [IPv6]:PORT or a name alone, taken apart. */
export function parseAddress(text, defaultPort) {
  const [, bracketed, host, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  if (!(bracketed || host)) throw new Error(`not HOST:PORT: ${text}`);
  return { host: bracketed || host, port: Number(port ?? defaultPort) };
}

/** One tracker by its name, which may have several addresses. */
export class Tracker {
  constructor(address, defaultPort) {
    Object.assign(this, parseAddress(address, defaultPort));
    this.failures = 0; // in a row
    this.best = null; // the address that answered last
    this.busy = null; // the address that had no free slot
  }

  /**
   * Connects and says `hello` to one address after the other, until one has answered.
   * Gives a socket of text, and what came first.
   */
  async connect(hello) {
    const found = (await dns.lookup(this.host, { all: true, verbatim: true })).map(a => a.address);
    // Chance decides within a family, the system's order between the two (net.isIP: 4 or 6).
    const rank = new Map(found.map(a => [a, (net.isIP(a) !== net.isIP(found[0])) + Math.random()]));
    if (rank.has(this.best)) rank.set(this.best, -1);
    if (rank.has(this.busy)) rank.set(this.busy, 3);
    const addresses = [...rank.keys()].sort((a, b) => rank.get(a) - rank.get(b));
    let error;
    for (const address of addresses) {
      try {
        // With nobody else to ask, a slow tracker is given the time that any answer may take.
        const answered = await this.ask(address, hello, address === addresses.at(-1) ? 15 : 3);
        this.best = address;
        this.busy = /^ERR busy/.test(answered.first) ? address : null;
        return answered;
      } catch (failure) {
        error = failure;
      }
    }
    throw error;
  }

  ask(address, hello, seconds) {
    return new Promise((answered, failed) => {
      const socket = net.connect({ host: address, port: this.port, noDelay: true });
      const fail = error => {
        clearTimeout(timer);
        socket.destroy();
        failed(error);
      };
      const end = () => fail(new Error('the tracker hung up without a word'));
      const timer = setTimeout(() => fail(new Error(`no answer from ${address} for ${seconds} s`)), seconds * 1000);
      socket.setEncoding('utf8');
      socket.on('error', fail).on('end', end);
      socket.once('connect', () => socket.write(hello));
      socket.once('data', first => {
        clearTimeout(timer);
        socket.off('end', end).pause();
        answered({ socket, first });
      });
    });
  }

  /** Seconds until the next try: 1, 2, 4 … 40, each longer or shorter by half at the most. */
  nextWait() {
    return Math.min(40, 2 ** this.failures++) * (0.5 + Math.random());
  }
}

/**
 * Calls `onLine` for each whole line, fit to be printed, and is done when the connection is: with why.
 * A line that the end has cut off counts for nothing.
 */
export function readLines({ socket, first }, onLine) {
  return new Promise(done => {
    let rest = '', why = 'the tracker hung up';
    const take = data => {
      const lines = (rest + data).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) if (line && !socket.destroyed) onLine(clean(line));
      if (rest.length > 1024) socket.destroy(new Error('a line without an end: that is no tracker'));
    };
    socket.on('data', take);
    socket.on('timeout', () => socket.destroy(new Error('nothing was heard of the tracker')));
    socket.on('error', error => { why = error.message; });
    socket.on('end', () => socket.end());
    socket.on('close', () => done(why));
    take(first);
    socket.resume();
  });
}
