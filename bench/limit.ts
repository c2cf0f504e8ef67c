/** The physical limit: reads a file and touches each byte once. `node dist/bench/limit.js FILE` */
import { closeSync, openSync, readSync } from 'node:fs';

/** In a function of its own: at the top level of a module every step of the loop goes through its scope. */
function touch(words: Int32Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum = (sum + words[i]!) | 0;
  return sum;
}

const fd = openSync(process.argv[2]!, 'r');
const bytes = new Uint8Array(new ArrayBuffer((256 << 10) + 64), 48, 256 << 10);
const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
let sum = 0;
for (let n = readSync(fd, bytes, 0, bytes.length, null); n > 0; n = readSync(fd, bytes, 0, bytes.length, null)) sum = (sum + touch(words, n >> 2)) | 0;
closeSync(fd);
console.log(sum);
