import { Option, type Command } from 'commander';
import { statSync, writeFileSync } from 'node:fs';
import { EVENT_TYPES } from '../contracts/event.js';
import type { Alert } from '../contracts/alert.js';
import { RuleProfile } from '../analyzer/match/profile.js';
import { loadConfig } from '../runtime/config.js';
import { loadRegistry, RegistryIndex } from '../runtime/registry.js';
import { coded } from '../runtime/errors.js';
import { analyzeCaptures, defaultConfig, type AnalysisSinks, type CaptureStats } from './analysis.js';
import { analyzeSharded } from './shards/analysis.js';
import { ShardPool } from './shards/pool.js';
import type { ShardSettings } from './shards/protocol.js';
import { loadIndicators } from './indicators.js';
import { fileStoreAt } from '../analyzer/serve/file-store.js';
import { repeated } from './options.js';
import { reputationIn } from './reputation.js';
import { AnalyzeFile } from './settings.js';
import { proveRules } from './strict.js';
import { loadPack, rulePaths } from './pack.js';
import { progress } from './progress.js';
import { alertLine, costTable } from './table.js';

/** Rules that --profile prints; --stats has all. */
const PROFILED = 25;

const errors = {
  nothing: coded('SW_ANALYZE_NOTHING', () => 'No capture is named.', 'Name one or more captures, "-" for standard input, or --serve to take packet blocks from the bus.'),
  events: coded('SW_ANALYZE_EVENTS', (name: string) => `There is no event type "${name}".`, `Name "all" or some of: ${EVENT_TYPES.filter((t) => t !== 'alert').join(', ')}.`),
  stats: coded('SW_ANALYZE_STATS', (path: string, why: string) => `The statistics cannot be written to "${path}" (${why}).`, 'Name a file in a folder that exists and may be written.'),
};

interface Options {
  rules: string[];
  indicators: string[];
  config?: string;
  reputation?: string;
  fileStore?: string;
  format: 'table' | 'eve' | 'json';
  workers: number;
  stats?: string;
  events?: string;
  serve?: boolean;
  strict?: boolean;
  skipUnsupported?: boolean;
  lang?: string;
  profile?: boolean;
}

/** Writes lines in large pieces and waits when a pipe is full, so that a slow reader holds us back instead of our memory. */
class Lines {
  private pending: string[] = [];
  private bytes = 0;

  line(text: string): void {
    this.pending.push(text, '\n');
    this.bytes += text.length + 1;
    if (this.bytes > 1 << 16) this.flush();
  }

  flush(): void {
    if (this.bytes === 0) return;
    process.stdout.write(this.pending.join(''));
    this.pending = [];
    this.bytes = 0;
  }
}

function wantedEvents(list: string | undefined): Set<string> {
  const events = new Set<string>();
  for (const name of (list ?? '').split(',').map((s) => s.trim()).filter((s) => s !== '' && s !== 'alert')) {
    if (name === 'all') for (const type of EVENT_TYPES) events.add(type);
    else if ((EVENT_TYPES as readonly string[]).includes(name)) events.add(name);
    else throw errors.events(name);
  }
  return events;
}

function report(stats: CaptureStats[], seconds: Record<string, number>): Record<string, unknown> {
  const sum = (pick: (s: CaptureStats) => Record<string, number>) => {
    const total: Record<string, number> = {};
    for (const s of stats) for (const [k, v] of Object.entries(pick(s))) total[k] = (total[k] ?? 0) + v;
    return total;
  };
  const stages = sum((s) => s.seconds);
  const total = (key: 'packets' | 'bytes' | 'alerts') => stats.reduce((n, s) => n + s[key], 0);
  return {
    packets: total('packets'), bytes: total('bytes'), alerts: total('alerts'), limits: sum((s) => s.limits),
    seconds: { ...seconds, ...stages }, memory: { resident: process.memoryUsage.rss() },
    counters: sum((s) => s.counters), captures: stats,
  };
}

const LANGUAGE = /^zh/.test(process.env['LC_ALL'] ?? process.env['LC_MESSAGES'] ?? process.env['LANG'] ?? '') ? 'zh' : 'en';

async function analyze(captures: string[], options: Options): Promise<void> {
  let pool: ShardPool | undefined;
  try {
    await run(captures, options, (settings) => (pool = new ShardPool(options.workers, settings)));
  } finally {
    await pool?.close();
  }
}

async function run(captures: string[], options: Options, start: (settings: ShardSettings) => ShardPool): Promise<void> {
  const started = performance.now();
  const events = wantedEvents(options.events);
  // They are there only where a rule says so.
  events.add('packet');
  const config = options.config ? loadConfig(options.config, AnalyzeFile).analyzer : defaultConfig();
  const named = options.rules.length > 0 ? options.rules : options.config ? config.rules : [];
  const warn = (line: string) => process.stderr.write(`${line}\n`);
  const reputation = options.reputation ? reputationIn(options.reputation) : config.reputation;
  const lists = [...config.indicators, ...options.indicators];
  // The workers load the rules at the same time as we do.
  const load = { variables: config.variables, midstream: config.midstream, ...(reputation && { reputation }), ...(options.skipUnsupported && { skipUnsupported: true }) };
  // What rules cost is measured in one place.
  const pool = options.workers > 1 && !options.profile ? start({ config, rules: named, load, indicators: lists, events: [...events], files: (options.fileStore ?? config.fileStore) !== undefined }) : undefined;
  const pack = loadPack(named, load, warn);
  const indicators = lists.length > 0 ? { store: loadIndicators(lists, warn) } : undefined;
  if (options.strict || config.strict) await proveRules(rulePaths(named), warn);
  const loaded = performance.now();
  const out = new Lines();
  const alerts: Alert[] = [];
  let size = 0;
  for (const c of captures) if (c !== '-') try { size += statSync(c).size; } catch { /* the reader says so */ }
  const folder = options.fileStore ?? config.fileStore;
  const store = folder === undefined ? undefined : fileStoreAt(folder);
  const bar = progress('read', size);
  const profile = options.profile ? new RuleProfile(() => performance.now()) : undefined;
  const registry = config.registry ? new RegistryIndex(loadRegistry(config.registry)) : undefined;
  const settings = { rules: named, config, pack, events, ...(registry && { registry }), ...(indicators && { indicators }), ...(profile && { profile }) };
  const sinks: AnalysisSinks = {
    alert: (alert) => {
      if (options.format === 'eve') out.line(JSON.stringify(alert));
      else alerts.push(alert);
    },
    event: (event) => {
      if (options.format === 'eve') out.line(JSON.stringify(event));
    },
    ...(store && { file: store }),
    progress: (bytes) => bar.set(bytes),
    warn,
    unreadable: (_file, error) => {
      warn(error.toLine());
      process.exitCode = 2;
    },
  };
  const stats = pool ? await analyzeSharded(captures, pool, pack, settings, sinks) : await analyzeCaptures(captures, settings, sinks);
  bar.end();
  if (options.format === 'json') out.line(JSON.stringify(alerts, undefined, 1));
  if (options.format === 'table') {
    for (const alert of alerts) out.line(alertLine(alert, options.lang === 'zh'));
    const packets = stats.reduce((n, s) => n + s.packets, 0);
    const text = options.lang === 'zh' ? `${packets} 个数据包，${alerts.length} 条告警` : `${packets} packets, ${alerts.length} alert${alerts.length === 1 ? '' : 's'}`;
    out.line(`${alerts.length > 0 ? '\n' : ''}${text}`);
  }
  out.flush();
  if (profile) for (const line of costTable(profile.dearest(PROFILED))) warn(line);
  if (options.stats) {
    const total = (performance.now() - started) / 1000;
    const text = JSON.stringify({ ...report(stats, { rules: (loaded - started) / 1000, total }), ...(profile && { rules: profile.dearest() }) }, undefined, 1);
    try {
      writeFileSync(options.stats, `${text}\n`);
    } catch (error) {
      throw errors.stats(options.stats, (error as NodeJS.ErrnoException).code ?? String(error));
    }
  }
}

export function register(command: Command): void {
  command
    .argument('[captures...]', 'capture files (pcap, pcapng, gzip); "-" for standard input')
    .option('--rules <path>', 'rule file or folder, again for more; "default" names the shipped pack', repeated, [])
    .option('--skip-unsupported', "leave rules in Suricata's language out that cannot be loaded, and say which")
    .option('--config <file>', 'settings of the analyzer (YAML)')
    .option('--reputation <folder>', "reputation of addresses for iprep of Suricata's rules: categories.txt and *.list")
    .option('--file-store <folder>', "store the files and certificates that Suricata's rules with filestore or tls.store match")
    .option('--indicators <path>', 'indicator list (CSV, STIX 2.1, MISP) or folder of them, again for more', repeated, [])
    .addOption(new Option('--format <format>', 'what to print').choices(['table', 'eve', 'json']).default('table'))
    .option('--events <types>', 'EVE events to write beside alerts, comma-separated, or "all" (with --format eve)')
    .option('--workers <n>', 'worker threads that share the flows of a capture, or the captures when they are many and small', (v) => Math.max(1, Math.min(64, Number.parseInt(v, 10) || 1)), 1)
    .option('--stats <file>', 'write packets, bytes, alerts, limits hit and seconds by stage as JSON')
    .addOption(new Option('--lang <language>', 'language of the table').choices(['zh', 'en']).default(LANGUAGE))
    .option('--profile', 'print the rules whose conditions cost most, with how often they were looked at')
    .option('--strict', 'refuse rules that fail their own captures')
    .option('--serve', 'take packet blocks from the bus instead (needs --config)')
    .addHelpText('after', `
Each capture is analysed on its own, in fresh state. Exit status: 0, or 2 with a coded error on standard error.

Examples:
  npx shouwang analyze attack.pcap
  npx shouwang analyze a.pcap b.pcapng.gz --format eve --events http,dns --rules default --rules my-rules/ > eve.json
  npx shouwang analyze --serve --config /etc/shouwang/analyze-0.yaml`)
    .action(async (captures: string[], options: Options) => {
      if (options.serve) {
        const { serve } = await import('./serve.js');
        return serve(options.config);
      }
      if (captures.length === 0) throw errors.nothing();
      await analyze(captures, options);
    });
}
