/** The physical limit: reads a file and touches each byte once. `node dist/bench/limit.js FILE` */
import { closeSync, openSync, readSync } from 'node:fs';

const fd = openSync(process.argv[2]!, 'r');
const bytes = new Uint8Array(1 << 20);
const words = new Int32Array(bytes.buffer);
let sum = 0;
for (let n = readSync(fd, bytes, 0, bytes.length, null); n > 0; n = readSync(fd, bytes, 0, bytes.length, null)) {
  for (let i = 0; i < n >> 2; i++) sum = (sum + words[i]!) | 0;
}
closeSync(fd);
console.log(sum);
