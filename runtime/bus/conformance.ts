import type t from 'tap';
import type { Bus, BusMessage, Delivery, StreamOptions } from './bus.js';
import { BusFull, BusTimeout } from './errors.js';

type Test = typeof t;

/** What the suite needs of an implementation. Two calls of `open` give two clients of one bus. */
export interface Subject {
  name: string;
  /** A client; the suite closes it. */
  open(): Promise<Bus>;
  /** Takes the server away as with kill -9 and brings it back; absent where the bus has no server. */
  crash?(): Promise<void>;
  /** Clients are the same object (embedded): closing one closes the bus. */
  single?: boolean;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until it holds; gives up, and lets the test fail on its own expectation, after `ms`. */
export async function until(holds: () => boolean, ms = 8000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds() && Date.now() < end) await sleep(5);
}

let serial = 0;
function stream(retention: 'work' | 'keep', more: Partial<StreamOptions> = {}): StreamOptions & { subject: (s: string) => string } {
  const name = `T${process.pid}_${++serial}`;
  return { name, subjects: [`${name}.>`], retention, maxBytes: 16 * 1024 * 1024, storage: 'file', ...more, subject: (s) => `${name}.${s}` };
}

/** What every bus must do; each implementation's tests run it. */
export function conformance(t: Test, on: Subject): void {
  const test = (name: string, body: (t: Test, bus: Bus) => Promise<void>) => t.test(`${on.name}: ${name}`, async (t) => {
    const bus = await on.open();
    try { await body(t as unknown as Test, bus); } finally { await bus.close(); }
  });
  const second = (bus: Bus): Promise<Bus> | Bus => on.single ? bus : on.open();
  const leave = async (bus: Bus, other: Bus): Promise<void> => { if (bus !== other) await other.close(); };

  test('subjects, wildcards, headers, bytes, order', async (t, bus) => {
    const other = await second(bus);
    const got: BusMessage[] = [];
    const one: string[] = [];
    await other.subscribe('a.>', (m) => { got.push(m); });
    await other.subscribe('a.*.c', async (m) => { await sleep(1); one.push(m.subject); });
    await other.subscribe('a', () => { t.fail('"a" is not under "a.>"'); });
    await sleep(50);
    const body = Uint8Array.from({ length: 300_000 }, (_, i) => i * 31);
    await bus.publish('a.b.c', body, { 'Sw-Node': '节点 1', Empty: '' });
    for (let i = 0; i < 100; i++) await bus.publish(`a.${i}.c`, bytes(String(i)));
    await bus.publish('a.b.c.d', new Uint8Array(0));
    await bus.publish('b.b.c', bytes('no'));
    await until(() => got.length >= 102 && one.length >= 101);
    t.equal(got.length, 102);
    t.ok(Buffer.from(got[0].data).equals(body));
    t.strictSame({ ...got[0].headers }, { 'Sw-Node': '节点 1', Empty: '' });
    t.strictSame(got.slice(1, 101).map((m) => text(m.data)), Array.from({ length: 100 }, (_, i) => String(i)));
    t.equal(got[101].data.length, 0);
    t.equal(one.length, 101);
    for (const wrong of ['', 'a..b', 'a b', 'a.*', '>']) await t.rejects(bus.publish(wrong, bytes('x')), { code: 'SW_BUS_SUBJECT' });
    await t.rejects(bus.subscribe('a.>.b', () => {}), { code: 'SW_BUS_SUBJECT' });
    await leave(bus, other);
  });

  test('queue groups share, closed subscriptions are silent', async (t, bus) => {
    const counts = [0, 0];
    const subscriptions = await Promise.all([0, 1].map((i) => bus.subscribe('q.x', () => { counts[i]++; }, { queue: 'g' })));
    await sleep(50);
    for (let i = 0; i < 200; i++) await bus.publish('q.x', bytes('x'));
    await until(() => counts[0] + counts[1] >= 200);
    t.equal(counts[0] + counts[1], 200);
    t.ok(counts[0] > 20 && counts[1] > 20, `shared ${counts.join(':')}`);
    await Promise.all(subscriptions.map((s) => s.close()));
    await bus.publish('q.x', bytes('x'));
    await sleep(50);
    t.equal(counts[0] + counts[1], 200);
  });

  test('a slow subscriber gets its messages one at a time; an exception does not stop it', async (t, bus) => {
    let running = 0;
    let most = 0;
    const seen: string[] = [];
    await bus.subscribe('slow.x', async (m) => {
      most = Math.max(most, ++running);
      await sleep(2);
      running--;
      seen.push(text(m.data));
      if (seen.length === 3) throw new Error('expected by the suite');
    });
    await sleep(50);
    for (let i = 0; i < 30; i++) await bus.publish('slow.x', bytes(String(i)));
    await until(() => seen.length >= 30);
    t.equal(seen.length, 30);
    t.equal(most, 1);
  });

  test('request and reply', async (t, bus) => {
    const other = await second(bus);
    const responder = await other.respond('cmd.echo', async (m) => { await sleep(5); return bytes(`<${text(m.data)}>`); });
    await other.respond('cmd.broken', () => { throw new Error('disk on fire'); });
    await sleep(50);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => bus.request('cmd.echo', bytes(String(i)), 3000)));
    t.strictSame(answers.map((a) => text(a.data)), Array.from({ length: 20 }, (_, i) => `<${i}>`));
    await t.rejects(bus.request('cmd.broken', bytes(''), 3000), { code: 'SW_BUS_REMOTE', message: /disk on fire/ });
    await responder.close();
    await sleep(50);
    const nobody = await bus.request('cmd.echo', bytes(''), 200).catch((e) => e);
    t.ok(nobody instanceof BusTimeout);
    await leave(bus, other);
  });

  test('duplicates are stored once, a place is kept, a new consumer starts at the beginning', async (t, bus) => {
    const s = stream('keep');
    await bus.ensureStream(s);
    await bus.ensureStream({ ...s, maxBytes: s.maxBytes * 2 });
    const results = [];
    for (const id of ['a', 'b', 'a', 'c', 'b']) results.push((await bus.publishDurable(s.subject('x'), bytes(id), id, { K: id })).duplicate);
    t.strictSame(results, [false, false, true, false, true]);
    const got: string[] = [];
    const handler = (d: Delivery) => { got.push(`${d.id}${text(d.data)}${d.headers.K}`); d.ack(); };
    const options = { durable: 'place', ack: 'explicit' as const, maxUnacked: 10 };
    const first = await bus.consume(s.name, options, handler);
    await until(() => got.length >= 3);
    await sleep(50);
    await first.close();
    await bus.publishDurable(s.subject('x'), bytes('d'), 'd', { K: 'd' });
    const again = await bus.consume(s.name, options, handler);
    await until(() => got.length >= 4);
    await sleep(50);
    t.strictSame(got, ['aaa', 'bbb', 'ccc', 'ddd']);
    await again.close();
    const fresh: number[] = [];
    await bus.consume(s.name, { ...options, durable: 'fresh' }, (d) => { fresh.push(d.seq); d.ack(); });
    await until(() => fresh.length >= 4);
    t.strictSame(fresh, [1, 2, 3, 4]);
    await t.rejects(bus.publishDurable('nobody.takes.this', bytes('x'), 'x'), { code: 'SW_BUS_NO_STREAM' });
  });

  test('filters', async (t, bus) => {
    const s = stream('keep');
    await bus.ensureStream(s);
    for (let i = 0; i < 20; i++) await bus.publishDurable(s.subject(i % 2 ? 'odd.x' : 'even.x'), bytes(String(i)), `f${i}`);
    const got: string[] = [];
    await bus.consume(s.name, { durable: 'odd', filter: s.subject('odd.*'), ack: 'explicit', maxUnacked: 4 }, (d) => { got.push(text(d.data)); d.ack(); });
    await until(() => got.length >= 10);
    await sleep(30);
    t.strictSame(got, ['1', '3', '5', '7', '9', '11', '13', '15', '17', '19']);
  });

  test('maxUnacked holds back; a failed message comes again, later ones do not wait for it (explicit)', async (t, bus) => {
    const s = stream('keep');
    await bus.ensureStream(s);
    for (let i = 0; i < 10; i++) await bus.publishDurable(s.subject('x'), bytes(String(i)), `m${i}`);
    const held: Delivery[] = [];
    const hold = await bus.consume(s.name, { durable: 'hold', ack: 'explicit', maxUnacked: 3 }, (d) => { held.push(d); });
    await until(() => held.length >= 3);
    await sleep(150);
    t.equal(held.length, 3);
    held[0].ack();
    await until(() => held.length >= 4);
    t.equal(held[3].seq, 4);
    await hold.close();
    const got: string[] = [];
    let failed = false;
    await bus.consume(s.name, { durable: 'fail', ack: 'explicit', maxUnacked: 100 }, (d) => {
      if (d.seq === 2 && !failed) { failed = true; throw new Error('expected by the suite'); }
      got.push(`${d.seq}${d.redelivered ? 'r' : ''}`);
      d.ack();
    });
    await until(() => got.length >= 10);
    t.strictSame(got, ['1', '3', '4', '5', '6', '7', '8', '9', '10', '2r']);
  });

  test('all: an acknowledgement covers the earlier ones, the rest comes again in order', async (t, bus) => {
    for (const retention of ['work', 'keep'] as const) {
      const s = stream(retention);
      await bus.ensureStream(s);
      for (let i = 1; i <= 50; i++) await bus.publishDurable(s.subject('x'), bytes(String(i)), `a${i}`);
      const options = { durable: 'engine', ack: 'all' as const, maxUnacked: 1000 };
      const first: Delivery[] = [];
      const one = await bus.consume(s.name, options, (d) => { first.push(d); });
      await until(() => first.length >= 50);
      first[19].ack();
      await sleep(100);
      await one.close();
      first[40].ack();
      for (let i = 51; i <= 60; i++) await bus.publishDurable(s.subject('x'), bytes(String(i)), `a${i}`);
      const other = await second(bus);
      const again: Delivery[] = [];
      let failures = 0;
      const two = await other.consume(s.name, options, (d) => {
        if (d.seq === 30 && failures++ < 1) throw new Error('expected by the suite');
        again.push(d);
      });
      await until(() => again.length >= 40);
      await sleep(50);
      t.strictSame(again.map((d) => d.seq), Array.from({ length: 40 }, (_, i) => i + 21), `${retention}: from the first unacknowledged, in order, nothing overtakes a failed one`);
      again[39].ack();
      await sleep(100);
      await two.close();
      await leave(bus, other);
      const nothing: Delivery[] = [];
      const three = await bus.consume(s.name, options, (d) => { nothing.push(d); });
      await sleep(150);
      t.equal(nothing.length, 0);
      await three.close();
    }
  });

  test('a full work stream refuses until its consumer has caught up; a full keep stream drops the oldest', async (t, bus) => {
    const s = stream('work', { maxBytes: 100_000 });
    await bus.ensureStream(s);
    const body = new Uint8Array(9000);
    let stored = 0;
    let refusal: unknown;
    for (; stored < 50 && !refusal; ) await bus.publishDurable(s.subject('x'), body, `b${stored}`).then(() => { stored++; }, (e) => { refusal = e; });
    t.ok(refusal instanceof BusFull);
    t.ok(stored >= 9 && stored <= 11, `${stored} stored`);
    const eaten: string[] = [];
    const eater = await bus.consume(s.name, { durable: 'eater', ack: 'all', maxUnacked: 100 }, (d) => { eaten.push(d.id); d.ack(); });
    let again = false;
    for (let i = 0; i < 100 && !again; i++) again = await bus.publishDurable(s.subject('x'), body, `b${stored}`).then(() => true, () => sleep(20).then(() => false));
    t.ok(again);
    await until(() => eaten.length > stored);
    t.strictSame(eaten, Array.from({ length: stored + 1 }, (_, i) => `b${i}`));
    await eater.close();

    const k = stream('keep', { maxBytes: 100_000 });
    await bus.ensureStream(k);
    for (let i = 0; i < 40; i++) await bus.publishDurable(k.subject('x'), body, `k${i}`);
    const kept: number[] = [];
    await bus.consume(k.name, { durable: 'late', ack: 'explicit', maxUnacked: 100 }, (d) => { kept.push(d.seq); d.ack(); });
    await until(() => kept[kept.length - 1] === 40);
    t.ok(kept.length >= 9 && kept.length <= 11 && kept[0] === 41 - kept.length, `kept ${kept.join(' ')}`);
  });

  test('many publishers at once lose nothing and keep the order of each', async (t, bus) => {
    const s = stream('keep');
    await bus.ensureStream(s);
    const got: string[] = [];
    await bus.consume(s.name, { durable: 'd', ack: 'explicit', maxUnacked: 64 }, (d) => { got.push(text(d.data)); d.ack(); });
    await Promise.all([0, 1, 2, 3].map(async (p) => {
      for (let i = 0; i < 100; i++) await bus.publishDurable(s.subject(`p${p}`), bytes(`${p}:${i}`), `${p}:${i}`);
    }));
    await until(() => got.length >= 400);
    for (let p = 0; p < 4; p++) t.strictSame(got.filter((x) => x.startsWith(`${p}:`)), Array.from({ length: 100 }, (_, i) => `${p}:${i}`));
  });

  if (on.crash) {
    test('the server is killed and comes back under load: every message once, in order', async (t, bus) => {
      const work = stream('work');
      const keep = stream('keep');
      await bus.ensureStream(work);
      await bus.ensureStream(keep);
      const states: string[] = [];
      bus.onState((state) => states.push(state));
      const consumer = await on.open();
      const blocks: number[] = [];
      const alerts = new Map<string, number>();
      let held: Delivery[] = [];
      await consumer.consume(work.name, { durable: 'engine', ack: 'all', maxUnacked: 200 }, (d) => {
        blocks.push(Number(text(d.data)));
        held.push(d);
        // As an analyzer does: acknowledges late, and everything before.
        if (held.length >= 40) { held[20].ack(); held = held.slice(21); }
      });
      await consumer.consume(keep.name, { durable: 'console', ack: 'explicit', maxUnacked: 50 }, async (d) => {
        alerts.set(d.id, (alerts.get(d.id) ?? 0) + 1);
        d.ack();
      });
      const total = 600;
      const publishers = [
        (async () => { for (let i = 0; i < total; i++) await bus.publishDurable(work.subject('b'), bytes(String(i)), `b${i}`); })(),
        (async () => { for (let i = 0; i < total; i++) await bus.publishDurable(keep.subject('a'), bytes(String(i)), `a${i}`); })(),
      ];
      for (const at of [100, 350]) {
        await until(() => blocks.length >= at);
        await on.crash!();
      }
      await Promise.all(publishers);
      await until(() => blocks.length >= total && alerts.size >= total, 10_000);
      t.strictSame(blocks, Array.from({ length: total }, (_, i) => i), 'blocks in order, each handed to the engine once');
      t.equal(alerts.size, total, 'every alert');
      const twice = [...alerts].filter(([, n]) => n > 1).length;
      t.ok(twice <= 100, `${twice} alerts came a second time (unacknowledged when the server went)`);
      t.ok(states.includes('reconnecting') || states.includes('disconnected'), states.join(' '));
      t.equal(bus.state, 'connected');
      await consumer.close();
    });
  }
}
