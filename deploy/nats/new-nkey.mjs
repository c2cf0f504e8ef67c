// Makes an nkey: node deploy/nats/new-nkey.mjs /etc/shouwang/collector.nk
// The seed (secret) goes into the file, readable by its owner alone; the public key is printed, for nats-server.
import { writeFileSync } from 'node:fs';
import { nkeys } from 'nats';

const path = process.argv[2];
if (!path) {
  process.stderr.write('usage: node deploy/nats/new-nkey.mjs <file for the seed>\n');
  process.exit(2);
}
const pair = nkeys.createUser();
try {
  writeFileSync(path, `${Buffer.from(pair.getSeed()).toString()}\n`, { mode: 0o600, flag: 'wx' });
} catch (error) {
  process.stderr.write(`${path}: ${error.code === 'EEXIST' ? 'exists already; remove it to make a new key' : error.message}\n`);
  process.exit(1);
}
process.stdout.write(`${pair.getPublicKey()}\n`);
