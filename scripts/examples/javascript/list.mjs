// The list of a gltracker. For Node 18 and later, without packages. Take this file and gltracker.mjs into
// your game; client.mjs shows how they are used. To ping or join what is listed, leave out addresses as
// PROTOCOL.md says.

import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Tracker, parseFields, readLines, spellValue } from './gltracker.mjs';

export const join = ({ ip, port }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

/** Emits `list` with all game servers when they have changed, and `lost` with why. */
export class ServerList extends EventEmitter {
  #tracker; #conditions; #servers = new Map(); #batch = []; #rev = ''; #socket; #error; #complete; #timer;

  constructor(tracker, conditions = []) {
    super();
    this.#tracker = new Tracker(tracker, 23471);
    this.#conditions = conditions.map(text => text.replace(/^(.*?[!<>]?=)(.+)$/, (_, key, value) => key + spellValue(value)));
  }

  /** The game servers of an answer that came whole: one by one as fields, those that may be gone last. */
  get servers() {
    return [...this.#servers.values()].sort((a, b) => (a.stale === 'yes') - (b.stale === 'yes'));
  }

  /** Asks once. */
  async list() {
    for (let tries = 1; ; tries++) {
      const why = await this.#session('LIST', 15, 'QUIT\n');
      if (this.#complete) return this.servers;
      const wait = this.#waitAfter();
      if (!this.#error || tries === 5) throw new Error(why);
      await sleep(wait * 1000);
    }
  }

  /** Asks again and again for what has changed: throws when the tracker says no for good. */
  follow() {
    return this.#keep('LIST', 15, 2);
  }

  /** Is told what changes. Where there is no place for one more watcher, it asks every few seconds instead. */
  watch() {
    return this.#keep('WATCH', 45, 5);
  }

  async #keep(verb, patience, pause) {
    for (;;) {
      this.pause = verb === 'LIST' ? pause : null;
      let why;
      try {
        why = await this.#session(verb, patience);
      } catch (error) {
        why = error.message;
      }
      const wait = this.#waitAfter();
      if (this.#error) verb = 'LIST'; // #waitAfter throws for all but these two and a proxy.
      if (this.#complete) this.#tracker.failures = 0;
      this.emit('lost', why);
      await sleep(Math.max(wait, this.#tracker.nextWait()) * 1000);
    }
  }

  #command(verb) {
    return `${[verb, ...(this.#rev ? [`since=${this.#rev}`] : []), ...this.#conditions].join(' ')}\n`;
  }

  async #session(verb, patience, more = '') {
    this.#batch = [];
    this.#complete = false;
    this.#error = null;
    const answered = await this.#tracker.connect(this.#command(verb) + more);
    this.#socket = answered.socket;
    this.#socket.setTimeout(patience * 1000);
    if (verb === 'LIST') this.#expectEnd();
    const why = await readLines(answered, line => this.#line(line));
    clearTimeout(this.#timer);
    return this.#error ?? (this.#complete ? why : `${why} before END`);
  }

  /** However many lines come, the answer to LIST is to be whole in time. */
  #expectEnd() {
    this.#timer = setTimeout(() => this.#socket.destroy(new Error('the answer does not end')), 15_000);
  }

  #line(line) {
    const [, verb, rest] = /^(\S*) ?(.*)$/s.exec(line);
    const fields = parseFields(rest);
    if (verb === 'END') this.#end(fields);
    if (/^(INFOS|GONE)$/.test(verb) && fields.ip && fields.port) this.#batch.push([verb, fields]);
    if (this.#batch.length > 100_000) this.#socket.destroy(new Error('that is no tracker: its list does not end'));
    if (verb === 'ERR') {
      this.#error = rest;
      this.#socket.end();
    }
  }

  /** Only here is the list what it was at one moment. */
  #end({ rev = '', since }) {
    const changed = since === undefined || this.#batch.length > 0;
    if (since === undefined) this.#servers.clear();
    for (const [verb, fields] of this.#batch) {
      if (verb === 'INFOS') this.#servers.set(join(fields), fields);
      else this.#servers.delete(join(fields));
    }
    this.#batch = [];
    this.#rev = rev;
    this.#complete = true;
    if (changed) this.emit('list', this.servers);
    clearTimeout(this.#timer);
    if (this.pause) this.#timer = setTimeout(() => this.#ask(), this.pause * 1000);
  }

  #ask() {
    this.#socket.write(this.#command('LIST'));
    this.#expectEnd();
  }

  /** Seconds to wait at least. Where asking again is of no use, it throws. */
  #waitAfter() {
    if (!this.#error) return 0;
    if (this.#error.includes('PROXY header')) return 60;
    if (!/^(busy|too-many) /.test(`${this.#error} `)) throw new Error(this.#error);
    return Number(/wait (\d{1,4}) s/.exec(this.#error)?.[1] ?? 3);
  }
}
