// The list of a gltracker, for trying. For Node 18 and later, without packages.
//
//   node client.mjs tracker.example:23471 list notempty speed=fast
//
// `list` asks once, `follow` asks every 2 s for what has changed, `watch` is told.

import { ServerList, join } from './list.mjs';

const text = ({ ip, port, nbplayers = '?', maxplayers = '?', description = '?', stale }) =>
  `${join({ ip, port })} ${nbplayers}/${maxplayers} ${description}${stale === 'yes' ? ' stale' : ''}\n`;

const [tracker, how, ...conditions] = process.argv.slice(2);
if (!['list', 'follow', 'watch'].includes(how)) {
  console.error('usage: node client.mjs TRACKERHOST:PORT list|follow|watch [condition...]');
  process.exit(2);
}
const list = new ServerList(tracker, conditions);
list.on('lost', why => console.error('lost', why));
if (how !== 'list') list.on('list', servers => process.stdout.write(`${servers.map(text).join('')}\n`));
try {
  const servers = await list[how]();
  process.stdout.write(servers.map(text).join(''));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
