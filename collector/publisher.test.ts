import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { PacketBlock } from '../contracts/packet-block.js';
import { decodeBlockHeaders } from '../contracts/packet-block.js';
import { streams, subjects } from '../contracts/subjects.js';
import type { Bus } from '../runtime/bus/bus.js';
import { createEmbeddedBus } from '../runtime/bus/embedded.js';
import { emptyBody } from './block.js';
import { Publisher } from './publisher.js';
import { Spool } from './spool.js';

const BODY = 100_000;
const block = (seq: number, partition = 0): PacketBlock => {
  const body = new Uint8Array(BODY);
  body.set(emptyBody(1));
  return {
    headers: {
      node: 'n', unit: 'u', interface: 'i', epoch: 'e', seq, partition, partitions: 2, linktype: 1, packets: 10, firstUs: 1, lastUs: 2,
      droppedKernel: 0, droppedInterface: 0, droppedBackpressure: 0, clock: 'exact',
    },
    body,
  };
};

async function packetStream(bus: Bus, maxBytes: number): Promise<void> {
  for (const partition of [0, 1]) {
    await bus.ensureStream({
      name: streams.packets(partition), subjects: [subjects.packetsOf(partition)], retention: 'work', maxBytes,
      dedupWindowMs: 60_000, storage: 'memory',
    });
  }
}

/** Consumes until `want` blocks came; the sequence numbers in order of arrival. */
async function drainStream(bus: Bus, partition: number, want: number, pauseMs = 0): Promise<number[]> {
  const seqs: number[] = [];
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${seqs.length} of ${want} blocks`)), 15_000);
    void bus.consume(streams.packets(partition), { durable: `t${partition}`, ack: 'all', maxUnacked: 4 }, async (delivery) => {
      seqs.push(decodeBlockHeaders(delivery.headers)!.seq);
      if (pauseMs > 0) await new Promise((r) => setTimeout(r, pauseMs));
      delivery.ack();
      if (seqs.length === want) {
        clearTimeout(timer);
        resolve();
      }
    });
  });
  return seqs;
}

/** The bus with refusals put in: the publish is stored or not, as a lost answer would have it. */
function unreliable(bus: Bus, refuse: (call: number) => 'before' | 'after' | undefined): Bus {
  let calls = 0;
  return new Proxy(bus, {
    get(target, key) {
      if (key !== 'publishDurable') return Reflect.get(target, key, target) as unknown;
      return async (...args: Parameters<Bus['publishDurable']>) => {
        const how = refuse(calls++);
        await new Promise((r) => setTimeout(r, 1));
        if (how === 'before') throw new Error('no answer');
        const result = await target.publishDurable(...args);
        if (how === 'after') throw new Error('answer lost');
        return result;
      };
    },
  });
}

t.test('a full stream makes files wait: bounded memory, order kept, nothing lost', async (t) => {
  const bus = createEmbeddedBus({});
  t.teardown(() => bus.close());
  await packetStream(bus, 8 * BODY);
  const publisher = new Publisher(bus, { window: 4 });
  let offered = 0;
  const offering = (async () => {
    for (; offered < 60; offered++) await publisher.offer(block(offered));
  })();
  await new Promise((r) => setTimeout(r, 150));
  t.ok(offered < 20, `it waits: ${offered} offered`);
  t.same(await drainStream(bus, 0, 60, 2), Array.from({ length: 60 }, (_, i) => i));
  await offering;
  t.ok(await publisher.drain(5000));
  t.equal(publisher.counters.packets, 600);
  publisher.stop();
});

t.test('lost answers and refusals: each block once, in order', async (t) => {
  const bus = createEmbeddedBus({});
  t.teardown(() => bus.close());
  await packetStream(bus, 1000 * BODY);
  const flaky = unreliable(bus, (call) => (call === 5 ? 'after' : call === 30 || call === 31 ? 'before' : undefined));
  const publisher = new Publisher(flaky, { window: 1 });
  for (let seq = 0; seq < 50; seq++) await publisher.offer(block(seq, 1));
  t.ok(await publisher.drain(5000));
  t.same(await drainStream(bus, 1, 50), Array.from({ length: 50 }, (_, i) => i));
  t.match(publisher.counters, { retries: 3, duplicates: 1, blocks: 50 });
  publisher.stop();
});

t.test('live packets spill to disk while the bus is away, survive a restart, and follow in order', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sw-spool-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const bus = createEmbeddedBus({});
  t.teardown(() => bus.close());
  await packetStream(bus, 1000 * BODY);
  let away = true;
  const flaky = unreliable(bus, () => (away ? 'before' : undefined));
  const first = new Publisher(flaky, { window: 4, spool: new Spool(folder, 200 * BODY) });
  for (let seq = 0; seq < 100; seq++) first.offerLive(block(seq));
  t.match(first.counters, { spooledBlocks: 96, droppedBlocks: 0 });
  t.equal(first.waitingBlocks, 4, 'memory holds the window alone');
  first.stop();
  away = false;
  const second = new Publisher(flaky, { window: 4, spool: new Spool(folder, 200 * BODY) });
  for (let seq = 100; seq < 120; seq++) second.offerLive(block(seq));
  t.ok(await second.drain(10_000));
  t.same(await drainStream(bus, 0, 120), Array.from({ length: 120 }, (_, i) => i));
  t.equal(second.spoolBytes, 0);
  second.stop();
  t.same(readdirSync(folder), [], 'nothing stays behind');
});

t.test('a full spool gives up the oldest and counts it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sw-spool-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const spool = new Spool(folder, 20 * BODY);
  for (let seq = 0; seq < 100; seq++) spool.append(block(seq));
  t.ok(spool.bytes <= 20 * BODY);
  const left: number[] = [];
  for (let b = spool.shift(); b !== undefined; b = spool.shift()) left.push(b.headers.seq);
  t.same(left, Array.from({ length: left.length }, (_, i) => 100 - left.length + i), 'the newest are there, in order');
  t.equal(spool.droppedBlocks, 100 - left.length);
  t.equal(spool.droppedPackets, 10 * spool.droppedBlocks);
  spool.close();
});
