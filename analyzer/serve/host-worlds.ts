import type { Clock } from '../../runtime/lifecycle.js';
import type { BehaviourStage } from '../detect/stage.js';
import { RECORD_BYTES } from '../flow/connection-log.js';
import { fromEveTimestamp } from '../sink/finding.js';
import type { HostBatch } from './host-batch.js';

/** A lane that said nothing for so long isn't waited for. */
const GRACE_MS = 1000;
/** When nothing comes for so long, packet time goes on by the clock. */
const IDLE_MS = 1500;
/** A world that ended, or fell silent, is closed after so long: the behaviours say what they have. */
const ENDED_MS = 2500;
const SILENT_MS = 900_000;
/** Worlds at once: the live one and some replays. The one that was quiet longest is closed. */
const MAX_WORLDS = 16;
/** What may wait for a slower lane; beyond it order gives way to memory. */
const MAX_WAITING_BYTES = 32 << 20;
/** Packets that are captured as they pass, at whatever node. */
export const LIVE = 'live';

interface Step { batch: HostBatch; done: () => void }
interface Lane { queue: Step[]; seenUs: number; heardAt: number; ended: boolean }
interface World { key: string; stage: BehaviourStage; lanes: Map<number, Lane>; count: number; madeAt: number; heardAt: number; nowUs: number }

/**
 * Brings batches of several lanes into the order of packet time, for one behaviour stage a world. A world is what shares
 * a clock: live traffic, or one run of a capture file, which may be of another year.
 */
export class HostWorlds {
  private readonly worlds = new Map<string, World>();
  private waiting = 0;
  readonly counters = { hostBatches: 0, hostBatchesLate: 0 };

  constructor(
    private readonly clock: Clock, private readonly open: () => BehaviourStage, private readonly close: (stage: BehaviourStage) => void,
  ) {}

  /** @param done called when the behaviours have seen the batch. */
  add(batch: HostBatch, done: () => void): void {
    this.counters.hostBatches++;
    const world = this.world(batch.world, batch.lanes);
    world.heardAt = this.clock.now();
    const lane = this.lane(world, batch.lane);
    if (Number.isNaN(batch.upToUs)) {
      // Ends of flows that no packet brought: behind what their lane has said before.
      if (lane.queue.length === 0) this.run(world, { batch, done });
      else {
        lane.queue.push({ batch: { ...batch, upToUs: lane.seenUs }, done });
        this.waiting += batch.records.length + 256;
      }
      return;
    }
    if (batch.upToUs < world.nowUs - 1e6) this.counters.hostBatchesLate++;
    lane.queue.push({ batch, done });
    this.waiting += batch.records.length + 256;
    this.heard(world, lane, batch);
  }

  /** A lane has come this far and had nothing to say. */
  progress(batch: Pick<HostBatch, 'world' | 'lane' | 'lanes' | 'upToUs' | 'end'>): void {
    const world = this.world(batch.world, batch.lanes);
    world.heardAt = this.clock.now();
    this.heard(world, this.lane(world, batch.lane), batch);
  }

  /** To be called now and then: silent lanes are waited for no longer, idle worlds go on by the clock, ended ones close. */
  tick(elapsedUs: number): void {
    const now = this.clock.now();
    for (const world of this.worlds.values()) {
      this.pump(world);
      const quiet = now - world.heardAt;
      if (quiet > IDLE_MS && world.nowUs > 0) {
        world.nowUs += elapsedUs;
        world.stage.advance(world.nowUs);
      }
      const ended = world.lanes.size >= world.count && [...world.lanes.values()].every((l) => l.ended);
      if (world.key !== LIVE && quiet > (ended ? ENDED_MS : SILENT_MS)) this.drop(world);
    }
  }

  /** Everything that waits, in order, and then the end of every world. */
  flush(): void {
    for (const world of [...this.worlds.values()]) this.drop(world);
  }

  /** Messages that wait for a slower lane. */
  get waitingBatches(): number {
    let n = 0;
    for (const world of this.worlds.values()) for (const lane of world.lanes.values()) n += lane.queue.length;
    return n;
  }

  private world(key: string, lanes: number): World {
    let world = this.worlds.get(key);
    if (!world) {
      if (this.worlds.size >= MAX_WORLDS) {
        const oldest = [...this.worlds.values()].filter((w) => w.key !== LIVE).sort((a, b) => a.heardAt - b.heardAt)[0];
        if (oldest) this.drop(oldest);
      }
      const now = this.clock.now();
      world = { key, stage: this.open(), lanes: new Map(), count: lanes, madeAt: now, heardAt: now, nowUs: 0 };
      this.worlds.set(key, world);
    }
    if (lanes > world.count) world.count = lanes;
    return world;
  }

  private lane(world: World, number: number): Lane {
    let lane = world.lanes.get(number);
    if (!lane) world.lanes.set(number, (lane = { queue: [], seenUs: 0, heardAt: 0, ended: false }));
    return lane;
  }

  private heard(world: World, lane: Lane, { upToUs, end }: Pick<HostBatch, 'upToUs' | 'end'>): void {
    if (upToUs > lane.seenUs) lane.seenUs = upToUs;
    lane.heardAt = this.clock.now();
    // What says how far the lane is may come later than what said that it ends.
    if (end) lane.ended = true;
    this.pump(world);
  }

  private pump(world: World): void {
    for (;;) {
      let first: Lane | undefined;
      for (const lane of world.lanes.values()) {
        if (lane.queue.length > 0 && (!first || lane.queue[0]!.batch.upToUs < first.queue[0]!.batch.upToUs)) first = lane;
      }
      if (!first) return;
      if (this.waiting <= MAX_WAITING_BYTES && this.mustWait(world, first.queue[0]!.batch.upToUs)) return;
      const step = first.queue.shift()!;
      this.waiting -= step.batch.records.length + 256;
      this.run(world, step);
    }
  }

  /** Whether a lane that is alive may still bring something earlier. */
  private mustWait(world: World, timeUs: number): boolean {
    if (world.count <= 1) return false;
    const now = this.clock.now();
    if (world.lanes.size < world.count && now - world.madeAt < GRACE_MS) return true;
    for (const lane of world.lanes.values()) {
      if (lane.queue.length === 0 && !lane.ended && lane.seenUs < timeUs && now - lane.heardAt < GRACE_MS) return true;
    }
    return false;
  }

  private run(world: World, { batch, done }: Step): void {
    const { stage } = world;
    stage.connections(batch.records, batch.records.length / RECORD_BYTES);
    for (const event of batch.events) stage.event(event, fromEveTimestamp(event.timestamp));
    if (batch.upToUs > world.nowUs) {
      world.nowUs = batch.upToUs;
      stage.advance(world.nowUs);
    }
    done();
  }

  private drop(world: World): void {
    const steps = [...world.lanes.values()].flatMap((l) => l.queue).sort((a, b) => a.batch.upToUs - b.batch.upToUs);
    for (const lane of world.lanes.values()) lane.queue = [];
    for (const step of steps) {
      this.waiting -= step.batch.records.length + 256;
      this.run(world, step);
    }
    this.worlds.delete(world.key);
    this.close(world.stage);
  }
}
