// Made-up lists in the form that the tracker writes: one game server on each line.

const GAMES = [
  { game: "xonotic", version: "0.8.6", maps: ["stormkeep", "afterslime", "glowplant", "solarium", "catharsis"], modes: ["dm", "ctf", "duel"] },
  { game: "openarena", version: "0.8.8", maps: ["oa_dm1", "oa_ctf2old", "aggressor", "kaos2"], modes: ["ffa", "ctf", "tourney"] },
  { game: "gltron", version: "0.70", maps: [], modes: [] },
  { game: "unvanquished", version: "0.55.2", maps: ["plat23", "perseus", "chasm", "yocto"], modes: ["tremulous"] },
];
const NAMES = ["Friday cycles", "The Quiet Corner", "[EU] Duel Station", "Élan Vital CTF", "★ Nightly ★", "Old Town", "Rocket Breakfast",
  "::: Clan Arena :::", "Zebra Crossing", "North Sea Instagib", "Beginners welcome", "24/7 Stormkeep", "Aïoli", "Public 2", "Public 10"];

// The same numbers at each run.
export function dice(seed = 1) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * below);
  };
}

export function someServers(count, seed = 1) {
  const roll = dice(seed);
  const pick = (from) => from[roll(from.length)];
  return Array.from({ length: count }, (_, n) => {
    const { game, version, maps, modes } = pick(GAMES);
    const maxplayers = pick([8, 12, 16, 24, 32]);
    const nbplayers = roll(3) === 0 ? 0 : roll(9) === 0 ? maxplayers : roll(maxplayers);
    const info = { ip: `198.51.${100 + (n >> 8)}.${n & 255}`, port: 26000 + (n % 100), nbplayers, maxplayers, game, version };
    if (maps.length) Object.assign(info, { map: pick(maps), mode: pick(modes) });
    else Object.assign(info, { speed: pick(["normal", "fast"]), size: pick(["medium", "vast"]), erase: "on" });
    if (roll(3)) info.checked = "yes";
    if (roll(4) === 0) info.zone = pick(["eu", "na", "asia"]);
    if (roll(9) === 0) info.password = "yes";
    if (roll(12) === 0) info.query = "quake3";
    info.description = n < NAMES.length ? NAMES[n] : `${pick(NAMES)} #${n}`;
    return { addresses: [`${info.ip}:${info.port}`], info };
  });
}

export function listOf(servers, written = Date.now(), updated = written - 7000) {
  const time = (when) => new Date(when).toISOString();
  const head = `{"updated":"${time(updated)}","written":"${time(written)}","revision":"c0ffee-42","count":${servers.length},"tracker":"gltracker","servers":[\n`;
  return `${head}${servers.map((server) => JSON.stringify(server)).join(",\n")}${servers.length ? "\n" : ""}]}\n`;
}

// A week of a community's life: evenings, a gap, and a row for each game server, every seventh of them new.
export function activityOf(servers, end = Date.now()) {
  const roll = dice(7);
  const wave = (n, most) => Math.round(most * (0.6 + 0.4 * Math.sin((n / 288) * 2 * Math.PI + 2) + 0.2 * Math.sin(n / 41))) + roll(most / 8);
  const series = (most) => Array.from({ length: 2016 }, (_, n) => (n > 1300 && n < 1340 ? null : Math.max(0, wave(n, most))));
  const both = (players, count) => ({ players: series(players), servers: series(count).map((n) => n && Math.round(count * 0.9 + n / 10)) });
  const games = {};
  for (const { game } of GAMES) games[game] = both(servers.length * 2, servers.length / 4);
  const rows = { every: 1800 };
  servers.forEach(({ addresses, info }, n) => {
    const most = info.maxplayers ?? 8;
    const length = n % 7 === 3 ? 1 + roll(40) : 48;
    const now = info.nbplayers ?? 0;
    const wave = (k) => Math.cos((length - 1 - k) / 7 + (n % 5) / 9);
    rows[addresses[0]] = Array.from({ length }, (_, k) => Math.min(most, Math.round(now ? now * (0.6 + 0.4 * wave(k)) : most * 0.3 * (1 - wave(k)))));
  });
  const stamp = new Date(end).toISOString();
  return JSON.stringify({ written: stamp, every: 300, end: stamp, all: both(servers.length * 8, servers.length), games, rows });
}
