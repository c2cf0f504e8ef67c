import type { Command } from 'commander';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { accessSync, constants } from 'node:fs';
import { scaling, scalingTable } from '../bench/scaling.js';
import { compare, snort, suricata, table, type Peer } from '../bench/compare.js';

interface Options { mixed: number; http: number; runs: number; rules: string; ruleFile?: string; suricata?: string | false; snort?: string | false; json?: string; keep?: string; seed: number; scaling: string }

/** Where a program is on the path. */
function onPath(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch { /* not there */ }
  }
  return undefined;
}

const positive = (v: string): number => Math.max(0, Number.parseFloat(v) || 0);

export function register(command: Command): void {
  command
    .option('--mixed <mib>', 'size of the mixed capture, MiB; 0 for none', positive, 256)
    .option('--http <mib>', 'size of the web capture, MiB; 0 for none', positive, 128)
    .option('--runs <n>', 'runs of each, in turn', positive, 5)
    .option('--rules <counts>', 'how many rules are made; the first count is compared on both captures', '300,3000,30000')
    .option('--rule-file <path>', 'rules in Suricata\'s language in the place of made ones')
    .option('--suricata <path>', 'Suricata, where it is not on the path')
    .option('--no-suricata', 'without it')
    .option('--snort <path>', 'Snort 3, where it is not on the path')
    .option('--no-snort', 'without it')
    .option('--scaling <workers>', 'worker counts with which the mixed capture is analysed; "" for none', '1,2,4,8')
    .option('--seed <n>', 'seed of captures and rules', positive, 7)
    .option('--json <file>', 'write the figures as JSON')
    .option('--keep <folder>', 'where captures and rules stay; otherwise they are removed')
    .addHelpText('after', '\nHow to read it: bench/README.md.\n\nExample:\n  npx shouwang bench --mixed 1024 --http 512 --rules 300 --json figures.json')
    .action(async (options: Options) => {
      const folder = options.keep ?? mkdtempSync(join(tmpdir(), 'shouwang-bench-'));
      const peers: Peer[] = [];
      const suricataAt = options.suricata === false ? undefined : options.suricata ?? onPath('suricata');
      const snortAt = options.snort === false ? undefined : options.snort ?? onPath('snort');
      if (suricataAt) peers.push(suricata(suricataAt));
      if (snortAt && options.ruleFile === undefined) peers.push(snort(snortAt));
      try {
        const figures = await compare({
          folder, seed: options.seed, mixed: options.mixed * 1048576, http: options.http * 1048576, runs: Math.max(1, Math.round(options.runs)),
          rules: options.ruleFile === undefined ? options.rules.split(',').map((n) => Math.max(1, Number.parseInt(n, 10) || 300)) : [0],
          ...(options.ruleFile === undefined ? {} : { ruleFile: options.ruleFile }), peers, say: (line) => process.stderr.write(`${line}\n`),
        });
        console.log(table(figures));
        const counts = options.mixed > 0 ? options.scaling.split(',').map(Number).filter((n) => n >= 1) : [];
        const rules = options.ruleFile ?? join(folder, `suricata-${Number.parseInt(options.rules, 10) || 300}.rules`);
        const curve = counts.length > 0 ? await scaling(join(folder, 'mixed.pcap'), rules, counts, (line) => process.stderr.write(`${line}\n`)) : [];
        if (curve.length > 0) console.log(`\n${scalingTable(curve)}`);
        if (options.json) writeFileSync(options.json, `${JSON.stringify({ figures, scaling: curve }, undefined, 1)}\n`);
      } finally {
        if (options.keep === undefined) rmSync(folder, { recursive: true, force: true });
      }
    });
}
