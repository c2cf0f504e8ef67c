/**
 * The child process of `CapBackend`: captures with `cap` and writes a nanosecond pcap file to standard output.
 * Writes are synchronous: when the parent is slow the kernel's buffer holds the packets, not this process, and the
 * dispatch loop of libpcap, which never yields under load, needs no event loop to get rid of them.
 */
import { readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { LiveOptions } from './live-backend.js';
import { MAGIC_NANO } from './pcap.js';

/** As far as cap looks into a packet. */
const PACKET_BYTES = 65535;
const BATCH_BYTES = 256 * 1024;
const FLUSH_MS = 20;
const LINKTYPES: Record<string, number> = { ETHERNET: 1, NULL: 0, LINKTYPE_LINUX_SLL: 113, RAW: 101 };

interface Capture {
  open(device: string, filter: string, bufferBytes: number, packet: Buffer): string;
  on(event: 'packet', listener: (bytes: number, truncated: boolean) => void): void;
  close(): void;
}

const options = JSON.parse(process.argv[2]) as LiveOptions;
// cap keeps a bare pointer to this buffer: the module holds it as long as the process lives.
const packet = Buffer.alloc(PACKET_BYTES);
const batch = Buffer.alloc(BATCH_BYTES + PACKET_BYTES + 16);
const pause = new Int32Array(new SharedArrayBuffer(4));
let filled = 0;
let flushed = Date.now();
/** Wall clock minus the monotonic one; taken anew with every batch, so that a clock that is set is followed. */
let origin = flushed - performance.now();

function say(line: string): void {
  writeSync(2, `${line}\n`);
}

function write(bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN') Atomics.wait(pause, 0, 0, 1);
      else process.exit(code === 'EPIPE' ? 0 : 1);
    }
  }
}

function flush(): void {
  if (filled > 0) write(batch.subarray(0, filled));
  filled = 0;
  flushed = Date.now();
  origin = flushed - performance.now();
}

function dropPrivileges(): void {
  if (process.getuid?.() !== 0) return;
  const wanted = options.user ?? 'nobody';
  const entry = new RegExp(`^${wanted.replace(/[^\w-]/g, '')}:[^:]*:\\d+:(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8'));
  if (entry === null) throw new Error(`ERR_USER: no user ${wanted}`);
  process.setgroups!([]);
  process.setgid!(Number(entry[1]));
  process.setuid!(wanted);
}

function start(): void {
  const { Cap } = createRequire(import.meta.url)('cap') as { Cap: new () => Capture };
  const capture = new Cap();
  const type = capture.open(options.interface, options.filter, options.bufferKiB * 1024, packet);
  const linktype = LINKTYPES[type];
  if (linktype === undefined) throw new Error(`link type ${type} is not known`);
  dropPrivileges();
  const header = Buffer.alloc(24);
  header.writeUInt32LE(MAGIC_NANO, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(PACKET_BYTES, 16);
  header.writeUInt32LE(linktype, 20);
  write(header);
  const snaplen = options.snaplen > 0 ? Math.min(options.snaplen, PACKET_BYTES) : PACKET_BYTES;
  capture.on('packet', (bytes) => {
    const now = origin + performance.now();
    const seconds = Math.floor(now / 1000);
    const captured = Math.min(bytes, snaplen);
    batch.writeUInt32LE(seconds, filled);
    batch.writeUInt32LE(Math.floor((now - seconds * 1000) * 1e6), filled + 4);
    batch.writeUInt32LE(captured, filled + 8);
    batch.writeUInt32LE(bytes, filled + 12);
    packet.copy(batch, filled + 16, 0, captured);
    filled += 16 + captured;
    if (filled >= BATCH_BYTES || now - flushed > FLUSH_MS) flush();
  });
  setInterval(flush, FLUSH_MS);
  const leave = (): void => {
    flush();
    capture.close();
    process.exit(0);
  };
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
  process.on('disconnect', leave);
  say('ready');
}

try {
  start();
} catch (error) {
  say(`cap: ${(error as Error).message}`);
  process.exit(1);
}
