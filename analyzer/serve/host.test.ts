import fc from 'fast-check';
import t from 'tap';
import type { EveEvent } from '../../contracts/event.js';
import type { BehaviourStage } from '../detect/stage.js';
import { ConnectionLog, ConnectionRecord, RECORD_BYTES } from '../flow/connection-log.js';
import { byOwner, byWorld, chunks, decodeHostBatch, encodeHostBatch, ownerOf, ownerOfText, type HostBatch } from './host-batch.js';
import { HostWorlds, LIVE } from './host-worlds.js';
import { LateAck } from './late-ack.js';

/** Records of probes by each client given, `source` of each as given. */
function records(clients: number[], sources: number[] = [], timeUs = 1e15): Uint8Array {
  const parts: Uint8Array[] = [];
  const log = new ConnectionLog((bytes) => parts.push(bytes.slice()));
  clients.forEach((client, i) => log.add(1, new Uint8Array([10, 0, 0, client, 10, 9, 9, 9]), 4, 0, 4, 40_000, 445, 6, 2, 0, sources[i] ?? 0, timeUs + i));
  log.flush();
  return new Uint8Array(Buffer.concat(parts));
}

const base = { world: LIVE, lane: 0, lanes: 2, upToUs: 1e15, end: false, points: [{ node: 'n', unit: 'u', world: LIVE }], events: [] as EveEvent[] };
const clients = (bytes: Uint8Array): number[] => Array.from({ length: bytes.length / RECORD_BYTES }, (_, i) => new ConnectionRecord().at(bytes, i).src[3]!);

t.test('records and events of a client meet at one owner, whoever saw them, in order', async (t) => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 }), fc.integer({ min: 1, max: 64 }), (list, lanes) => {
    const events = list.map((c) => ({ timestamp: '', event_type: 'auth', src_ip: `10.0.0.${c}`, src_port: 40_000, dest_ip: '10.9.9.9', dest_port: 21 }) as EveEvent);
    const parts = byOwner({ ...base, lanes, records: records(list), events });
    for (const [owner, part] of parts) {
      const mine = list.filter((c) => ownerOf(new Uint8Array([10, 0, 0, c]), 0, 4, lanes) === owner);
      t.strictSame(clients(part.records), mine);
      t.strictSame(part.events.map((e) => Number(e.src_ip!.split('.')[3])), mine);
    }
    t.equal([...parts.values()].reduce((n, p) => n + p.records.length, 0), list.length * RECORD_BYTES);
  }), { numRuns: 20 });
  const v6 = Uint8Array.from([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 9]);
  t.equal(ownerOfText('2001:0db8:0000:0000:0000:0000:0000:ab09', 64), ownerOf(v6, 0, 16, 64));
});

t.test('on the wire and back; rubbish is nothing', async (t) => {
  const batch: HostBatch = { ...base, records: records([1, 2, 3]), events: [{ timestamp: 'x', event_type: 'auth' }] };
  t.strictSame(decodeHostBatch(encodeHostBatch(batch)), batch);
  t.ok(Number.isNaN(decodeHostBatch(encodeHostBatch({ ...batch, upToUs: Number.NaN }))!.upToUs));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decodeHostBatch(bytes) === undefined));
  const bytes = encodeHostBatch(batch);
  for (let cut = 0; cut < bytes.length; cut++) t.equal(decodeHostBatch(bytes.subarray(0, cut)), undefined);
  const large: HostBatch = { ...base, end: true, records: new Uint8Array(20_000 * RECORD_BYTES), events: Array.from({ length: 600 }, (_, i) => ({ timestamp: '', event_type: 'http', n: i, text: 'x'.repeat(5000) })) };
  const out = [...chunks(large)];
  t.ok(out.every((c) => encodeHostBatch(c).length < 1e6), 'below what a NATS server takes');
  t.equal(out.reduce((n, c) => n + c.records.length, 0), large.records.length);
  t.strictSame(out.flatMap((c) => c.events.map((e) => e['n'])), large.events.map((e) => e['n']));
  t.strictSame(out.map((c) => c.end), [...out.slice(1).map(() => false), true]);
});

t.test('what belongs to another clock goes to that one', async (t) => {
  const points = [{ node: 'a', unit: 'u', world: LIVE }, { node: 'b', unit: 'u', world: 'run-1' }];
  const [own, other] = byWorld({ ...base, points, records: records([1, 2, 3], [0, 1, 0]) });
  t.strictSame([own!.world, clients(own!.records)], [LIVE, [1, 3]]);
  t.strictSame([other!.world, clients(other!.records), other!.upToUs], ['run-1', [2], Number.NaN]);
});

t.test('lanes are brought into the order of packet time, and a silent one holds nobody up for long', async (t) => {
  let now = 0;
  const seen: number[] = [];
  const closed: string[] = [];
  const stage = { connections: (r: Uint8Array) => { seen.push(...clients(r)); }, event: () => {}, advance: () => {} } as unknown as BehaviourStage;
  const worlds = new HostWorlds({ now: () => now }, () => stage, () => closed.push('x'));
  const add = (lane: number, upToUs: number, client: number, end = false): void => worlds.add({ ...base, world: 'run', lane, upToUs, end, records: records([client]) }, () => {});
  add(0, 100, 1);
  add(0, 300, 3);
  t.strictSame(seen, [], 'the other lane may bring something earlier');
  add(1, 200, 2);
  t.strictSame(seen, [1, 2]);
  worlds.progress({ ...base, world: 'run', lane: 1, upToUs: 400 });
  t.strictSame(seen, [1, 2, 3]);
  add(0, 900, 4);
  now = 1100;
  worlds.tick(0);
  t.strictSame(seen, [1, 2, 3, 4]);
  add(0, 1000, 5, true);
  add(1, 1000, 6, true);
  now = 5000;
  worlds.tick(0);
  t.strictSame([seen, closed.length], [[1, 2, 3, 4, 5, 6], 1], 'both lanes have ended: the behaviours say what they have');
});

t.test('acknowledged late, in order, by each source\'s own clock', async (t) => {
  let now = 0;
  const acked: number[] = [];
  const late = new LateAck({ seconds: 30, bytes: 1000, blocks: 5 }, { now: () => now });
  const add = (n: number, source: string, us: number, bytes = 1, last = false): void => late.add(() => acked.push(n), source, bytes, us, last)();
  add(1, 'old', 0);
  add(2, 'new', 2e15);
  t.strictSame(acked, [], 'a live source does not make a replay old');
  add(3, 'old', 31e6);
  t.strictSame(acked, [1]);
  now = 31_000;
  late.release();
  t.strictSame(acked, [1, 3]);
  for (let n = 4; n < 10; n++) add(n, 'new', 2e15);
  t.strictSame(acked, [1, 3, 4], 'no more blocks than the bus gives');
  add(10, 'new', 2e15, 2000);
  t.strictSame(acked.at(-1), 10);
  add(11, 'new', 2e15);
  add(12, 'new', 2e15, 1, true);
  t.strictSame([acked.at(-1), late.pendingBytes], [12, 0], 'nothing waits behind the end of its source');
});
