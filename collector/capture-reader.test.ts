import { createReadStream, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { OperatorError } from '../runtime/errors.js';
import type { PacketVisitor } from './capture-format.js';
import { CaptureParser } from './capture-parser.js';
import { readCaptureFile, readCaptureStream } from './capture-reader.js';
import { RingRegion, ownRegion, type FixedRegion } from './region.js';

const folder = 'collector/fixtures';
const scratch = mkdtempSync(join(tmpdir(), 'sw-reader-'));
t.teardown(() => import('node:fs').then((fs) => fs.rmSync(scratch, { recursive: true })));

interface Seen { timeUs: number; nanos: number; captured: number; wire: number; linktype: number; iface: number; bytes: string }

/** Collects packets, bytes included, as text. */
function collect(u8: Uint8Array): PacketVisitor & { seen: Seen[] } {
  const seen: Seen[] = [];
  return {
    seen,
    packet: (offset, captured, wire, timeUs, nanos, linktype, iface) =>
      void seen.push({ timeUs, nanos, captured, wire, linktype, iface, bytes: Buffer.from(u8.subarray(offset, offset + captured)).toString('latin1') }),
  };
}

async function readAll(path: string, region: FixedRegion = ownRegion(1024 * 1024)) {
  const visitor = collect(region.u8);
  return { summary: await readCaptureFile(path, region, visitor), seen: visitor.seen };
}

const line = (p: Seen) => `${Math.floor(p.timeUs / 1e6)}.${String(p.timeUs % 1e6).padStart(6, '0')}${String(p.nanos).padStart(3, '0')}\t${p.captured}\t${p.wire}`;

/** The bytes of a pcapng block, little or big endian. */
function block(type: number, body: Buffer, little = true): Buffer {
  const out = Buffer.alloc(12 + ((body.length + 3) & ~3));
  for (const [at, value] of [[0, type], [4, out.length], [out.length - 4, out.length]] as const) {
    if (little) out.writeUInt32LE(value, at);
    else out.writeUInt32BE(value, at);
  }
  body.copy(out, 8);
  return out;
}
const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const parseBytes = (bytes: Buffer) => {
  const region = ownRegion(1024 * 1024);
  const visitor = collect(region.u8);
  const parser = new CaptureParser(region, visitor);
  void parser.push(bytes);
  return { seen: visitor.seen, summary: parser.finish() };
};

t.test('every fixture reads as tshark reads it', async (t) => {
  for (const name of readdirSync(folder).filter((n) => /\.pcap(ng)?$/.test(n))) {
    const { seen, summary } = await readAll(join(folder, name));
    t.same(seen.map(line), readFileSync(join(folder, `${name}.tsv`), 'latin1').trim().split('\n'), name);
    t.same(summary.warnings, [], `${name} is whole`);
  }
});

t.test('byte orders, resolutions and compressions of the same packets agree to the byte', async (t) => {
  const base = (await readAll(join(folder, 'ethernet-us.pcap'))).seen;
  for (const name of ['ethernet-us-big-endian.pcap', 'ethernet-modified.pcap', 'ethernet-us.pcap.gz']) {
    t.same((await readAll(join(folder, name))).seen, base, name);
  }
  const both = (await readAll(join(folder, 'two-sections.pcapng.gz')));
  t.same(both.seen.map(line), readFileSync(join(folder, 'two-sections.pcapng.tsv'), 'latin1').trim().split('\n'));
  t.same(new Set(both.seen.map((p) => p.linktype)), new Set([1, 276]));
  t.equal(both.summary.gzip, true);
  const stream = ownRegion(1024 * 1024);
  const visitor = collect(stream.u8);
  await readCaptureStream(createReadStream(join(folder, 'ethernet-us.pcap.gz')), stream, visitor);
  t.same(visitor.seen, base, 'gzip on a stream, as on standard input');
});

t.test('agrees with pcap-parser on microsecond files', async (t) => {
  const oracle = createRequire(import.meta.url)('pcap-parser') as {
    parse(path: string): NodeJS.EventEmitter;
  };
  for (const name of ['ethernet-us.pcap', 'ethernet-us-big-endian.pcap', 'sll-us.pcap', 'snapped.pcap']) {
    const expected: Omit<Seen, 'linktype' | 'iface' | 'nanos'>[] = [];
    await new Promise<void>((resolve, reject) => {
      oracle.parse(join(folder, name))
        .on('packet', (p: { header: Record<string, number>; data: Buffer }) => expected.push({
          timeUs: p.header.timestampSeconds * 1e6 + p.header.timestampMicroseconds,
          captured: p.header.capturedLength, wire: p.header.originalLength, bytes: p.data.toString('latin1'),
        }))
        .on('end', resolve).on('error', reject);
    });
    const { seen } = await readAll(join(folder, name));
    t.same(seen.map(({ timeUs, captured, wire, bytes }) => ({ timeUs, captured, wire, bytes })), expected, name);
  }
});

t.test('pcapng: simple and obsolete packets, resolutions, offsets, unknown blocks, both byte orders', async (t) => {
  const sectionLE = block(0x0a0d0d0a, hex('4d3c2b1a 0100 0000 ffffffffffffffff'));
  const sectionBE = block(0x0a0d0d0a, hex('1a2b3c4d 0001 0000 ffffffffffffffff'), false);
  // interface 0: Ethernet, snaplen 4, if_tsresol 2^-10, if_tsoffset 1000 s; interface 1: raw IP, picoseconds
  const binary = block(1, hex('0100 0000 04000000  0900 0100 8a000000  0e00 0800 e803000000000000  0000 0000'));
  const pico = block(1, hex('6500 0000 00000000  0900 0100 0c000000  0200 0300 74756e00  0000 0000'));
  const enhanced = block(6, hex('00000000 00000000 00080000 04000000 3c000000 61626364')); // 2048/1024 s
  const obsolete = block(2, hex('0100 ffff 00000000 40e20100 02000000 02000000 45660000')); // 123456 ps
  const simple = block(3, hex('09000000 31323334'));
  const custom = block(0x0bad, hex('00007a69 01020304'));
  const be = block(1, hex('0071 0000 00000000'), false);
  const enhancedBE = block(6, hex('00000000 00054a3c 12345678 00000001 00000001 7a000000'), false);
  const { seen, summary } = parseBytes(Buffer.concat([
    sectionLE, binary, custom, pico, enhanced, simple, obsolete, sectionBE, be, enhancedBE,
  ]));
  t.same(seen, [
    { timeUs: 1002_000_000, nanos: 0, captured: 4, wire: 60, linktype: 1, iface: 0, bytes: 'abcd' },
    { timeUs: 1002_000_000, nanos: 0, captured: 4, wire: 9, linktype: 1, iface: 0, bytes: '1234' },
    { timeUs: 0, nanos: 123, captured: 2, wire: 2, linktype: 101, iface: 1, bytes: 'Ef' },
    { timeUs: 0x54a3c * 2 ** 32 + 0x12345678, nanos: 0, captured: 1, wire: 1, linktype: 113, iface: 2, bytes: 'z' },
  ]);
  t.equal(summary.interfaces[1].name, 'tun');
  t.same(summary.warnings, []);
  // 64-bit nanoseconds do not fit a double: 2026-11-23T00:00:00.123456789Z
  const nano = block(1, hex('0100 0000 00000000  0900 0100 09000000'));
  const ticks = Buffer.alloc(24);
  ticks.writeUInt32LE(Number(1795392000123456789n >> 32n), 4);
  ticks.writeUInt32LE(Number(1795392000123456789n & 0xffffffffn), 8);
  const [packet] = parseBytes(Buffer.concat([sectionLE, nano, block(6, ticks)])).seen;
  t.same([packet.timeUs, packet.nanos], [1795392000123456, 789]);
  // An unknown block larger than anything we would hold is passed over as it streams by.
  const huge = block(0x0bad, Buffer.alloc(3 * 1024 * 1024));
  t.equal(parseBytes(Buffer.concat([sectionLE, nano, huge, block(6, ticks)])).seen.length, 1);
});

t.test('property: any cutting of the input gives the same packets', async (t) => {
  for (const name of ['ethernet-us-big-endian.pcap', 'merged-two-interfaces.pcapng']) {
    const bytes = readFileSync(join(folder, name));
    const whole = parseBytes(bytes);
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 40 }), async (cuts) => {
      const region = ownRegion(1024 * 1024);
      const visitor = collect(region.u8);
      const parser = new CaptureParser(region, { ...visitor, chunk: () => (cuts.length & 1 ? Promise.resolve() : undefined) });
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const step = cuts[i % cuts.length];
        await parser.push(bytes.subarray(at, at + step));
        at += step;
      }
      t.same(visitor.seen, whole.seen);
      t.same(parser.finish(), whole.summary);
    }), { numRuns: 30, seed: 2 });
  }
});

t.test('a ring keeps the packets of the last lap where they are; a fixed region is used again', async (t) => {
  const record = (i: number) => {
    const out = Buffer.alloc(16 + 1000, i & 255);
    out.writeUInt32LE(i, 0);
    out.writeUInt32LE(0, 4);
    out.writeUInt32LE(1000, 8);
    out.writeUInt32LE(1000, 12);
    return out;
  };
  const path = join(scratch, 'ring.pcap');
  const packets = 12_000;
  writeFileSync(path, Buffer.concat([readFileSync(join(folder, 'ethernet-us.pcap')).subarray(0, 24), ...Array.from({ length: packets }, (_, i) => record(i))]));
  const memory = new Uint8Array(new WebAssembly.Memory({ initial: 128, maximum: 128 }).buffer);
  const ring = new RingRegion(memory, 4096, 6 * 1024 * 1024, 1024 * 1024);
  const offsets: number[] = [];
  await readCaptureFile(path, ring, { packet: (offset) => void offsets.push(offset) });
  t.equal(offsets.length, packets);
  t.ok(ring.laps >= 1, 'it went round');
  const last = offsets.slice(-4000);
  t.ok(last.every((at, i) => memory[at] === ((packets - 4000 + i) & 255) && memory[at + 999] === memory[at]), 'the last 4 MB are still there');
  let pauses = 0;
  const fixed = ownRegion(1024 * 1024);
  let right = 0;
  await readCaptureFile(path, fixed, {
    packet: (offset, captured) => void (right += Number(fixed.u8[offset] === (right & 255) && captured === 1000)),
    chunk: async () => { pauses++; await new Promise(setImmediate); },
  });
  t.equal(right, packets);
  t.ok(pauses > 10, 'the visitor paused the reader');
});

t.test('what is no capture is a coded error', async (t) => {
  const cases: [string, Buffer | undefined, string][] = [
    ['empty.pcap', Buffer.alloc(0), 'SW_CAPTURE_EMPTY'], ['short.pcap', Buffer.from([0xd4, 0xc3]), 'SW_CAPTURE_FORMAT'],
    ['text.pcap', Buffer.from('GET / HTTP/1.1\r\n'), 'SW_CAPTURE_FORMAT'], ['x.zst', hex('28b52ffd0000'), 'SW_CAPTURE_FORMAT'],
    ['empty.gz', gzipSync(''), 'SW_CAPTURE_EMPTY'], ['garbage.gz', hex('1f8b0800ffffffffffffffffffff'), 'SW_CAPTURE_FORMAT'],
    ['missing.pcap', undefined, 'SW_CAPTURE_UNREADABLE'],
  ];
  for (const [name, bytes, code] of cases) {
    const path = join(scratch, name);
    if (bytes) writeFileSync(path, bytes);
    await t.rejects(readAll(path), { code }, name);
  }
  await t.rejects(readAll(scratch), { code: 'SW_CAPTURE_UNREADABLE' });
});

t.test('damage ends the reading with a warning, and what came before it counts', async (t) => {
  const pcap = readFileSync(join(folder, 'ethernet-us.pcap'));
  const cut = parseBytes(pcap.subarray(0, pcap.length - 5));
  t.equal(cut.seen.length, 17);
  t.match(cut.summary.warnings, [{ code: 'SW_CAPTURE_TRUNCATED', count: 1 }]);
  const corrupt = Buffer.from(pcap);
  corrupt.writeUInt32LE(0x7fffffff, 24 + 16 + 74 + 8); // captured length of the second record
  const second = parseBytes(corrupt);
  t.equal(second.seen.length, 1);
  t.match(second.summary.warnings, [{ code: 'SW_CAPTURE_CORRUPT', offset: 24 + 16 + 74 }]);
  const zipped = gzipSync(Buffer.concat([pcap.subarray(0, 24), ...Array.from({ length: 400 }, (_, i) => {
    const packet = Buffer.from(pcap.subarray(24, 24 + 16 + 74));
    packet.writeUInt32LE(i * 7919, 24);
    return packet;
  })]));
  writeFileSync(join(scratch, 'cut.gz'), zipped.subarray(0, zipped.length - 300));
  const { summary } = await readAll(join(scratch, 'cut.gz'));
  t.ok(summary.packets > 0 && summary.packets < 400);
  t.equal(summary.warnings[0].code, 'SW_CAPTURE_TRUNCATED');
});

t.test('fuzz: mutated captures never throw anything but a coded error and come to an end', async (t) => {
  const originals = ['ethernet-us.pcap', 'ethernet-ns.pcapng', 'merged-two-interfaces.pcapng', 'ethernet-modified.pcap', 'ethernet-us.pcap.gz']
    .map((name) => readFileSync(join(folder, name)));
  await fc.assert(fc.asyncProperty(
    fc.nat(originals.length - 1), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 }), fc.nat(),
    async (which, edits, cut) => {
      let bytes = Buffer.from(originals[which]);
      for (const [at, value] of edits) bytes[at % Math.min(bytes.length, at % 3 === 0 ? 200 : bytes.length)] = value;
      if (cut % 4 === 0) bytes = bytes.subarray(0, cut % bytes.length);
      const region = ownRegion(1024 * 1024);
      let inside = true;
      try {
        await readCaptureStream(
          (await import('node:stream')).Readable.from([bytes], { objectMode: false }), region,
          { packet: (offset, captured, wire, timeUs, nanos) => {
            inside &&= offset >= 0 && offset + captured <= region.bytes && wire >= captured && Number.isSafeInteger(timeUs) && timeUs >= 0 && nanos >= 0 && nanos < 1000;
          } },
        );
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error;
      }
      return inside;
    },
  ), { numRuns: 1500, seed: 7 });
  // A length field that lies made other readers quadratic.
  const liar = Buffer.alloc(30 * 1024 * 1024, 1);
  originals[0].copy(liar, 0, 0, 24);
  liar.writeUInt32LE(0x0fffffff, 32);
  const { summary } = parseBytes(liar);
  t.equal(summary.warnings[0].code, 'SW_CAPTURE_CORRUPT');
});
