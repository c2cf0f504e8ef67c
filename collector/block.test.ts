import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import t from 'tap';
import {
  BLOCK_MAX_BYTES, decodeBlockHeaders, encodeBlockHeaders, type PacketBlockHeaders,
} from '../contracts/packet-block.js';
import { BlockBuilder, type ClosedBlock } from './block.js';
import { findProgram } from './capture-filter.js';
import { CaptureParser } from './capture-parser.js';
import { Cutoff } from './cutoff.js';
import { partitionOf } from './partition.js';
import { ownRegion } from './region.js';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const MACS = '020000000001 020000000002';
const V4 = (source: string, destination: string, fragment = '0000', protocol = '06') =>
  `4500 0028 0001 ${fragment} 40${protocol} 0000 ${source} ${destination}`;
const TCP = (from: string, to: string, flags = '10') => `${from} ${to} 00000001 00000001 50${flags} 0400 0000 0000`;

t.test('a block is a whole nanosecond pcap that another reader reads; it closes by size and by span', async (t) => {
  const blocks: ClosedBlock[] = [];
  const builder = new BlockBuilder(1, (block) => blocks.push(block));
  const packet = Buffer.alloc(1400, 7);
  const start = 1_570_000_000_000_000;
  for (let i = 0; i < 1000; i++) builder.add(packet, 0, 1400, 1500, start + i, i % 1000, 1, 0);
  builder.add(packet, 0, 60, 60, start + 40_000, 0, 1, 0);
  builder.add(packet, 0, 60, 60, start + 51_100, 0, 1, 0); // 50.1 ms behind the first of its block or more
  builder.flush();
  t.equal(blocks.reduce((sum, b) => sum + b.packets, 0), 1002);
  t.ok(blocks.every((b) => b.body.length <= BLOCK_MAX_BYTES && b.lastUs - b.firstUs <= 50_000));
  t.ok(blocks[0].body.length > BLOCK_MAX_BYTES - 1500, 'the first is full');
  const times: string[] = [];
  for (const block of blocks) {
    const region = ownRegion(1024 * 1024);
    const parser = new CaptureParser(region, { packet: (_o, captured, wire, timeUs, nanos) => times.push(`${timeUs}.${nanos}.${captured}.${wire}`) });
    void parser.push(block.body);
    t.equal(parser.finish().packets, block.packets);
  }
  t.equal(times[999], `${start + 999}.999.1400.1500`);
  const tcpdump = findProgram('tcpdump');
  if (tcpdump) {
    const out = execFileSync(tcpdump, ['-r', '-', '-tt', '-n', '--time-stamp-precision=nano'], { input: blocks.at(-1)!.body, stdio: 'pipe' }).toString();
    t.match(out, /^1570000000\.051100000 /, 'tcpdump reads it');
  }
});

t.test('both directions, all fragments and every encapsulation of a pair of addresses meet in one partition', async (t) => {
  const a = '0a000001';
  const b = 'c0a80102';
  const a6 = '20010db8000000000000000000000001';
  const b6 = '20010db8000000000000000000000002';
  const frames: [string, number][] = [
    [`${MACS} 0800 ${V4(a, b)} ${TCP('d431', '0050')}`, 1],
    [`${MACS} 0800 ${V4(b, a)} ${TCP('0050', 'd431')}`, 1],
    [`${MACS} 0800 ${V4(a, b, '2001', '11')} 61626364`, 1],
    [`${MACS} 88a8 0064 8100 0065 0800 ${V4(a, b)} ${TCP('0001', '0002')}`, 1],
    [`${MACS} 8847 000640ff 000651ff ${V4(b, a)} ${TCP('0001', '0002')}`, 1],
    [`${MACS} 8864 11 00 0001 0030 0021 ${V4(a, b)} ${TCP('0001', '0002')}`, 1],
    [`0000 0001 0006 020000000001 0000 0800 ${V4(a, b)} ${TCP('0001', '0002')}`, 113],
    [`0800 0000 00000001 0001 00 06 020000000001 0000 ${V4(b, a)} ${TCP('0001', '0002')}`, 276],
    [`02000000 ${V4(a, b)} ${TCP('0001', '0002')}`, 0], [`00000002 ${V4(a, b)} ${TCP('0001', '0002')}`, 108],
    [`${V4(b, a)} ${TCP('0001', '0002')}`, 101], [`${V4(b, a)} ${TCP('0001', '0002')}`, 228],
  ];
  const partition = ([text, linktype]: [string, number]) => partitionOf(hex(text), 0, hex(text).length, linktype, 1000);
  const expected = partition(frames[0]);
  for (const frame of frames) t.equal(partition(frame), expected, frame[0].slice(0, 50));
  const v6 = (s: string, d: string): [string, number] => [`${MACS} 86dd 60000000 0000 06 40 ${s} ${d}`, 1];
  t.equal(partition(v6(a6, b6)), partition(v6(b6, a6)));
  t.equal(partition([`${MACS} 0806 0001 0800 0604 0001`, 1]), 0, 'ARP goes to partition 0');
  const counts = [0, 0, 0, 0];
  const frame = hex(frames[0][0]);
  for (let i = 0; i < 4000; i++) {
    frame.writeUInt32BE(0x0a000000 + i, 26);
    counts[partitionOf(frame, 0, frame.length, 1, 4)]++;
  }
  t.ok(counts.every((n) => n > 800 && n < 1200), `neighbouring addresses spread: ${counts}`);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 90 }), fc.constantFrom(0, 1, 12, 101, 108, 113, 228, 229, 276, 9999), (bytes, linktype) => {
    const p = partitionOf(bytes, 0, bytes.length, linktype, 7);
    return Number.isInteger(p) && p >= 0 && p < 7;
  }), { seed: 1 });
});

t.test('the cutoff keeps headers and the ends of a long flow and leaves the others alone', async (t) => {
  const cutoff = new Cutoff(2000, 64);
  const data = (flags: string) => Buffer.concat([hex(`${MACS} 0800 ${V4('0a000001', '0a000002')} ${TCP('d431', '0050', flags)}`), Buffer.alloc(1000)]);
  const back = Buffer.concat([hex(`${MACS} 0800 ${V4('0a000002', '0a000001')} ${TCP('0050', 'd431')}`), Buffer.alloc(1000)]);
  const keep = (frame: Buffer) => cutoff.keep(frame, 0, frame.length, frame.length, 1e15, 1);
  t.same([keep(data('10')), keep(back), keep(data('18')), keep(back)], [1054, 1054, 54, 54], 'both directions count together');
  t.equal(keep(data('11')), 1054, 'FIN passes whole');
  const other = Buffer.concat([hex(`${MACS} 0800 ${V4('0a000001', '0a000003')} ${TCP('d431', '0050')}`), Buffer.alloc(1000)]);
  t.equal(keep(other), 1054);
  t.same([cutoff.cutPackets, cutoff.cutBytes], [2, 2000]);
});

t.test('headers survive the bus, in any script; nonsense is undefined', async (t) => {
  const headers: PacketBlockHeaders = {
    node: '市局-1', unit: '某市 100%', interface: 'eth0', epoch: 'e1', seq: 3, partition: 1, partitions: 2, linktype: 1,
    packets: 9, firstUs: 1.57e15, lastUs: 1.57e15 + 1, droppedKernel: -1, droppedInterface: 0, droppedBackpressure: 0,
    clock: 'exact', file: '抓包\r\n.pcap', end: true,
  };
  const encoded = encodeBlockHeaders(headers);
  t.ok(Object.values(encoded).every((v) => /^[\x20-\x7e]*$/.test(v)));
  t.same(decodeBlockHeaders(encoded), headers);
  for (const [name, value] of [['Sw-Seq', '-1'], ['Sw-Seq', '1e3'], ['Sw-Partition', '2'], ['Sw-Clock', 'about'], ['Sw-Node', ''], ['Sw-Node', '%zz'], ['Sw-Epoch', 'x'.repeat(41)], ['Sw-FirstUs', 'NaN']]) {
    t.equal(decodeBlockHeaders({ ...encoded, [name]: value }), undefined, `${name}: ${value.slice(0, 5)}`);
  }
  t.equal(decodeBlockHeaders({}), undefined);
});
