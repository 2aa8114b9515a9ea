// A game server on the list of a gltracker, for trying. For Node 18 and later, without packages.
//
//   GLTRACKER_PASSWORD=secret node game-server.mjs tracker.example:23470 23460 nbplayers=0 description="Friday cycles"
//
// Type `nbplayers=3` to change what players see, and `quit` to leave. With a key, its name is in
// GLTRACKER_KEY and its secret in GLTRACKER_PASSWORD.

import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';
import readline from 'node:readline';
import { parseFields } from './gltracker.mjs';
import { Listing } from './listing.mjs';

const [tracker, port, ...given] = process.argv.slice(2);
if (!port) {
  console.error('usage: node game-server.mjs TRACKERHOST:PORT PORT [key=value...]');
  process.exit(2);
}
const fields = { port };
for (const field of given) fields[field.split('=', 1)[0]] = field.slice(field.indexOf('=') + 1);
const { GLTRACKER_PASSWORD: password = '', GLTRACKER_KEY: name } = process.env;

const listing = new Listing(tracker, name ? { name, secret: password } : { password }, fields);
listing.on('listed', address => console.log('listed', address));
listing.on('checked', () => console.log('checked'));
listing.on('mistake', text => console.log('not taken:', text));
listing.on('lost', why => console.log('lost', why));
listing.on('refused', error => {
  console.log('refused', error);
  process.exitCode = 1;
});

// The game's own socket. An answer has to come from the address that was asked: that of the connection,
// unless `ip=` names another.
let udp;
listing.on('connected', address => {
  if (udp?.local === address) return;
  udp?.close();
  udp = dgram.createSocket(isIPv6(fields.ip ?? address) ? 'udp6' : 'udp4');
  udp.local = address;
  udp.on('message', function (data, { address, port }) {
    const answer = listing.datagram(data.toString('latin1'), `${address} ${port}`);
    if (answer) this.send(Buffer.from(answer, 'latin1'), port, address);
  });
  udp.bind(Number(fields.pingport ?? port), fields.ip ? undefined : address);
});

const input = readline.createInterface({ input: process.stdin });
input.on('line', line => (line === 'quit' ? listing.quit() : listing.update(parseFields(line))));
await listing.run();
process.exit(); // Standard input would keep it running.
