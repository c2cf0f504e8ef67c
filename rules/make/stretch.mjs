/** Stretches a capture in time: `node rules/make/stretch.mjs in.pcap out.pcap <seconds>`; what tcpdump writes (µs). */
import { readFileSync, writeFileSync } from 'node:fs';

const [from, to, seconds] = process.argv.slice(2);
const bytes = readFileSync(from);
if (bytes.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error(`${from} is no little-endian microsecond pcap`);
const records = [];
for (let at = 24; at + 16 <= bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) records.push(at);
const time = (at) => bytes.readUInt32LE(at) * 1e6 + bytes.readUInt32LE(at + 4);
const first = time(records[0]);
const factor = (Number(seconds) * 1e6) / Math.max(1, time(records.at(-1)) - first);
for (const at of records) {
  const us = Math.round(first + (time(at) - first) * factor);
  bytes.writeUInt32LE(Math.floor(us / 1e6), at);
  bytes.writeUInt32LE(us % 1e6, at + 4);
}
writeFileSync(to, bytes);
