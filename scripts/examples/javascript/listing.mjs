// Keeps a game server on the list of a gltracker. For Node 18 and later, without packages. Take this file
// and gltracker.mjs into your game; game-server.mjs shows how it is used.

import { createHmac } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Tracker, readLines, spellFields } from './gltracker.mjs';

const FINAL = /^(unknown-command|bad-syntax|line-too-long|not-text|bad-value|bad-ip|bad-password|banned|taken) /;
/** The errors that close a connection which is on the list. All others answer an INFOS. */
const CLOSING = /^(bad-password|busy|too-many|banned|unreachable|timeout|slow-reader) |^taken .*took over/;

/**
 * Emits `connected` with this host's address, where players' datagrams will come; `listed` with ip:port;
 * `checked`; `mistake` with what was wrong in an update; `lost` with why; and `refused` with code and text.
 * After that it does not come back.
 */
export class Listing extends EventEmitter {
  #tracker; #login; #fields; #socket = null; #said = false; #leaving = new AbortController();
  #numbers = new Map(); // the latest of each sender, not yet returned

  /** `login` is { password }, or { name, secret } of a key. `fields` has at least the port. */
  constructor(tracker, login, fields) {
    super();
    this.#tracker = new Tracker(tracker, 23470);
    this.#login = login;
    this.#fields = { ...fields };
  }

  /** Stays on the list until the tracker says that it never will be there, or until quit(). */
  async run() {
    const { name, secret, password } = this.#login;
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      this.expected = []; // what the INFOS lines without an answer have said
      this.error = this.listedAt = null;
      this.checking = false;
      let why, wait = 0;
      try {
        const answered = await this.#tracker.connect(`LOGIN ${secret ? `name=${name}` : password}\n`);
        if (signal.aborted) return void answered.socket.destroy();
        why = await this.#session(answered);
      } catch (error) {
        why = error.message;
      }
      if (signal.aborted) return;
      if (this.error) {
        wait = this.#waitAfter(this.error);
        if (wait === null) return void this.emit('refused', this.error);
        why = this.error;
      }
      for (const { change } of this.expected) this.#keep(change);
      if (this.listedAt && performance.now() - this.listedAt > 60_000) this.#tracker.failures = 0;
      this.emit('lost', why);
      await sleep(Math.max(wait, this.#tracker.nextWait()) * 1000, null, { signal }).catch(() => {});
    }
  }

  /** Changes what players see. Without a connection it is said with the next one. */
  update(change) {
    if (this.#said) this.#say({ change }, spellFields(change));
    else this.#keep(change);
  }

  quit() {
    this.#leaving.abort();
    this.#socket?.write('QUIT\n');
    setTimeout(() => this.#socket?.destroy(), 3000).unref();
  }

  /** Gives the answer to a datagram, if one is due. Anybody can send one, so a number waits for its turn. */
  datagram(text, sender) {
    const [verb, word] = text.split(' ');
    if (verb === 'PING') return text.replace('PING', 'PONG');
    if (verb === 'CHALLENGE' && /^[0-9a-f]{16}$/i.test(word) && this.#numbers.size < 100) this.#numbers.set(sender, word);
  }

  async #session(answered) {
    const socket = this.#socket = answered.socket;
    const returned = [];
    this.#numbers.clear();
    this.emit('connected', socket.localAddress);
    const clock = setInterval(() => {
      if (!this.checking && performance.now() - this.expected[0]?.at > 15_000)
        return socket.destroy(new Error('an INFOS had no answer for 15 s'));
      if (!this.listedAt && !this.checking) return; // The number of the first INFOS goes first.
      const [[sender, number] = []] = this.#numbers;
      this.#numbers.delete(sender);
      if (!number || returned.includes(number)) return;
      returned.splice(99, Infinity);
      returned.unshift(number);
      this.#say({ number }, number);
    }, 250);
    socket.setTimeout(45_000);
    const why = await readLines(answered, line => this.#line(line));
    clearInterval(clock);
    this.#socket = null;
    this.#said = false;
    return why;
  }

  #say(said, words) {
    this.#said = true;
    this.expected.push({ ...said, at: performance.now() });
    this.#socket.write(`INFOS ${words}\n`);
  }

  #keep(change) {
    Object.assign(this.#fields, change);
    for (const key in this.#fields) if (this.#fields[key] === '') delete this.#fields[key];
  }

  #line(line) {
    const [, verb, rest] = /^(\S*) ?(.*)$/s.exec(line);
    if (verb === 'PING') this.#socket.write(`PONG ${rest}\n`);
    if (verb === 'CHALLENGE' && !this.#said) {
      const { name, secret } = this.#login;
      const [number] = rest.split(' ');
      const mac = secret && createHmac('sha256', secret).update(`${number} ${name} ${this.#fields.port}`).digest('hex');
      this.#say({}, `${number} ${spellFields(secret ? { ...this.#fields, mac } : this.#fields)}`);
    }
    if (verb === 'OK' && rest !== 'bye') {
      const { change, number } = this.expected.shift() ?? {};
      const [word, address = ''] = rest.split(' ');
      this.#keep(change);
      this.checking = word === 'checking' || (this.checking && word !== 'listed');
      this.#socket.setTimeout(this.checking ? 90_000 : 45_000);
      if (word === 'listed') this.listedAt ??= performance.now();
      if (word === 'listed') this.emit('listed', address);
      if (number) this.emit('checked');
    }
    this.error = verb === 'ERR' ? rest : null;
    if (verb === 'ERR' && (this.listedAt || this.checking) && !CLOSING.test(`${rest} `)) {
      const answered = this.expected.shift();
      if (answered) this.error = null; // It closes nothing.
      if (answered?.change) this.emit('mistake', rest);
    }
  }

  /** The column "come back" of PROTOCOL.md's table of errors, in seconds, or null for never. */
  #waitAfter(error) {
    if (error.includes('PROXY header')) return 60;
    const wait = /wait (\d{1,4}) s/.exec(error);
    if (wait) return Number(wait[1]);
    if (error.includes('took over')) return 600;
    if (error.startsWith('too-many')) return (this.expected.length || this.checking) && !this.listedAt ? 60 : 5;
    if (error.startsWith('unreachable')) return (this.#fields.pingport ?? this.#fields.port) < 1024 ? null : 60;
    return FINAL.test(`${error} `) ? null : 0;
  }
}
