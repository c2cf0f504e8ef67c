import { DEFAULT_PACKET_STAGE } from '../../analyzer/packet-stage-config.js';
import { HostJudge, feedingBack } from '../../analyzer/match/host-state.js';
import type { CaptureSummary } from '../../collector/capture-parser.js';
import type { EveEvent } from '../../contracts/event.js';
import type { Traffic } from '../../analyzer/traffic.js';
import { OperatorError } from '../../runtime/errors.js';
import { captureSize, statsOf, type AnalysisOptions, type AnalysisSinks, type CaptureStats } from '../analysis.js';
import { CaptureCorrelation, flowsFor } from '../correlation.js';
import type { Pack } from '../pack.js';
import { ShardMerge } from './merge.js';
import { Broadcast, errorOf, readableByAll, type ShardPool } from './pool.js';
import type { FromShard, ShardEnd } from './protocol.js';
import { threadSeconds } from './thread-time.js';

/** Captures up to this size are one worker's each, where there are enough of them for all. */
const SMALL_BYTES = 8 << 20;
/** Counters that every worker has of the whole capture. */
const COMMON = new Set(['packets', 'bytes', 'undecodable', 'fragments', 'datagramsDefragmented', 'fragmentsDropped', 'fragmentTimeouts']);
/** Flows remembered whose alert was decided here; their end says so. */
const MAX_ALERTED = 65_536;

/** Analyses captures with the workers of a pool: large ones by all of them, many small ones each by one. */
export async function analyzeSharded(files: readonly string[], pool: ShardPool, pack: Pack, options: AnalysisOptions, sinks: AnalysisSinks): Promise<CaptureStats[]> {
  const feeding = feedingBack(pack.rules);
  if (feeding.length > 0) {
    const named = feeding.slice(0, 5).map((s) => s.info.sid).join(', ');
    sinks.warn(`SW_ANALYZE_ONE_WORKER: ${feeding.length} rule${feeding.length === 1 ? '' : 's'} (sid ${named}${feeding.length > 5 ? ', …' : ''}) let what one flow has done decide how another is looked at; each capture is analysed by one worker.`);
  }
  await pool.ready();
  const stats: (CaptureStats | undefined)[] = files.map(() => undefined);
  const small = files.map((_, i) => i).filter((i) => feeding.length > 0 || (captureSize(files[i]!) ?? Infinity) <= SMALL_BYTES).filter((i) => files[i] !== '-');
  const apart = new Set(feeding.length > 0 || small.length >= pool.count ? small : []);
  if (files.length === 1) apart.clear();
  for (let i = 0; i < files.length; i++) {
    if (apart.has(i)) {
      const from = i;
      while (i + 1 < files.length && apart.has(i + 1)) i++;
      await each(files, from, i, pool, sinks, stats);
    } else {
      try {
        stats[i] = await together(files[i]!, pool, feeding.length > 0 ? 1 : pool.count, pack, options, sinks);
      } catch (error) {
        if (!sinks.unreadable || !(error instanceof OperatorError)) throw error;
        sinks.unreadable(files[i]!, error);
      }
    }
  }
  return stats.filter((s) => s !== undefined);
}

/** Captures `from` to `to`, each by whichever worker is free; what they say comes out in their order. */
async function each(files: readonly string[], from: number, to: number, pool: ShardPool, sinks: AnalysisSinks, stats: (CaptureStats | undefined)[]): Promise<void> {
  const done = new Map<number, Extract<FromShard, { kind: 'analysed' }> & { warnings: string[] }>();
  let next = from;
  let told = from;
  const tell = (): void => {
    for (let result = done.get(told); result; result = done.get(++told)) {
      done.delete(told);
      for (const line of result.warnings) sinks.warn(line);
      for (const item of result.items) {
        if ('alert' in item) sinks.alert(item.alert);
        else sinks.event?.(item.event);
      }
      if (result.error) {
        const error = errorOf(result.error);
        if (!sinks.unreadable || !(error instanceof OperatorError)) throw error;
        sinks.unreadable(files[told]!, error);
      }
      stats[told] = result.stats;
    }
  };
  await Promise.all(Array.from({ length: pool.count }, async (_, worker) => {
    while (next <= to) {
      const i = next++;
      const warnings: string[] = [];
      await pool.task(worker, { kind: 'whole', file: files[i]! }, (said) => {
        if (said.kind === 'warn') warnings.push(said.line);
        if (said.kind === 'file') sinks.file?.(said.file);
        if (said.kind !== 'analysed') return false;
        done.set(i, { ...said, warnings });
        return true;
      });
      tell();
    }
  }));
}

/** One capture by `count` workers: each decodes all packets and follows the flows that are its own. */
async function together(file: string, pool: ShardPool, count: number, pack: Pack, options: AnalysisOptions, sinks: AnalysisSinks): Promise<CaptureStats> {
  const started = performance.now();
  const before = threadSeconds();
  const correlation = new CaptureCorrelation(file, pack, options, sinks);
  const judge = new HostJudge();
  const anomalies = new AnomalyBudget();
  const alerted = new Set<number>();
  let suppressed = 0;
  const merge = new ShardMerge(count, {
    connections: (records, n) => correlation.connections(records, n),
    event: (event) => {
      if (event.event_type === 'anomaly' && !anomalies.pass(event)) return;
      if (event.event_type === 'flow' && alerted.delete(event.flow_id ?? -1)) (event['flow'] as Record<string, unknown>)['alerted'] = true;
      correlation.event(event);
    },
    alert: ({ alert, each: single, later, nowUs }) => {
      if (later !== undefined) {
        if (!judge.decide(later, nowUs)) {
          suppressed++;
          return;
        }
        if (alert.flow_id !== undefined && alerted.size < MAX_ALERTED) alerted.add(alert.flow_id);
      }
      correlation.alert(alert, single);
    },
    later: ({ steps, nowUs }) => void judge.decide(steps, nowUs),
  });
  const pieces = !readableByAll(file);
  const broadcast = pieces ? new Broadcast(pool, count) : undefined;
  const ends: ShardEnd[] = [];
  const credits = (used: number[]): void => used.forEach((n, worker) => {
    for (let i = 0; i < n; i++) pool.send(worker, { kind: 'credit' });
  });
  const tasks = Array.from({ length: count }, (_, index) => pool.task(index, {
    kind: 'shard', file, index, count, pieces, maxFlows: flowsFor(captureSize(file), options.config!.maxFlows), wants: [...correlation.wanted(), ...(correlation.watched ? ['connection'] : [])], ...correlation.stage,
    fileHashes: [...correlation.stage.fileHashes],
  }, (said) => {
    switch (said.kind) {
      case 'part':
        if (index === 0) sinks.progress?.(said.read);
        credits(merge.add(index, said));
        return false;
      case 'file':
        sinks.file?.(said.file);
        return false;
      case 'took':
        broadcast?.took(index);
        return false;
      case 'end':
        ends[index] = said;
        credits(merge.end(index));
        return true;
      default:
        return false;
    }
  }));
  const results = await Promise.allSettled([broadcast?.run(file), ...tasks]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  const analysed = performance.now();
  correlation.correlator.flush();
  const counters: Record<string, number> = {};
  for (const { stats } of ends) for (const [k, v] of Object.entries(stats)) counters[k] = COMMON.has(k) ? v : (counters[k] ?? 0) + v;
  counters['matchHits'] = (counters['matchHits'] ?? 0) - suppressed;
  counters['matchSuppressed'] = (counters['matchSuppressed'] ?? 0) + suppressed;
  counters['anomaliesUnsaid'] = (counters['anomaliesUnsaid'] ?? 0) + anomalies.unsaid;
  return statsOf(file, ends[0]!.summary as CaptureSummary, correlation, counters, sumTraffic(ends.map((e) => e.traffic)), sinks, {
    prepare: (analysed - started) / 1000 - Math.max(...ends.map((e) => e.seconds)), packets: Math.max(...ends.map((e) => e.seconds)),
    behaviours: correlation.spent / 1000, flush: (performance.now() - analysed) / 1000,
    // Of processors: what the fullest worker took, all of them, and the thread that puts their findings in order.
    busiest: Math.max(...ends.map((e) => e.processor)), workers: ends.reduce((n, e) => n + e.processor, 0), merge: threadSeconds() - before,
  });
}

function sumTraffic(all: readonly Traffic[][]): Traffic[] {
  const sums = new Map<string, Traffic>();
  for (const [name, packets, bytes] of all.flat()) {
    const sum = sums.get(name);
    if (sum) {
      sum[1] += packets;
      sum[2] += bytes;
    } else sums.set(name, [name, packets, bytes]);
  }
  return [...sums.values()];
}

/** Each worker keeps to the budget of anomaly events; together they keep to it in the order of packets, as one would. */
class AnomalyBudget {
  unsaid = 0;
  private second = '';
  private left = 0;

  pass(event: EveEvent): boolean {
    const second = event.timestamp.slice(0, 19);
    if (second !== this.second) {
      this.second = second;
      this.left = DEFAULT_PACKET_STAGE.anomaliesPerSecond;
    }
    if (this.left-- > 0) return true;
    this.unsaid++;
    return false;
  }
}
