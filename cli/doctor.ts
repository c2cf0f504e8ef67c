import type { Command } from 'commander';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';

type State = 'ok' | 'warn' | 'fail';
interface Finding { check: string; state: State; found: string; advice?: string }

const onPath = (name: string): string | undefined =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].map((d) => join(d, name)).find((p) => {
    try {
      accessSync(p, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const firstLine = (command: string, args: string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile(command, args, { timeout: 5000 }, (_, out, err) => resolve(`${out}${err}`.trim().split('\n')[0] ?? ''));
  });

/** Capability bits of this process (capabilities(7)): NET_ADMIN is bit 12, NET_RAW bit 13. */
function capabilities(): { raw: boolean; admin: boolean } {
  const line = existsSync('/proc/self/status') ? /CapEff:\s*([0-9a-f]+)/.exec(readFileSync('/proc/self/status', 'utf8')) : null;
  const bits = BigInt(`0x${line?.[1] ?? '0'}`);
  return { raw: (bits >> 13n & 1n) === 1n, admin: (bits >> 12n & 1n) === 1n };
}

async function examine(): Promise<Finding[]> {
  const findings: Finding[] = [];
  const add = (check: string, state: State, found: string, advice?: string) => findings.push({ check, state, found, ...(advice ? { advice } : {}) });
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const nodeOk = major > 20 || (major === 20 && minor >= 19);
  add('node', nodeOk ? 'ok' : 'fail', process.versions.node, nodeOk ? undefined : 'Install Node 20.19 or later.');
  const memory = totalmem() / 2 ** 30;
  add('machine', memory >= 1 ? 'ok' : 'warn', `${cpus().length} cores, ${memory.toFixed(1)} GiB`, memory >= 1 ? undefined : 'Set analyzer.arenaMiB and analyzer.maxFlows lower.');

  const tcpdump = onPath('tcpdump');
  if (tcpdump) add('tcpdump', 'ok', await firstLine(tcpdump, ['--version']));
  else add('tcpdump', 'warn', 'not found', 'Live capture works best with it: sudo apt-get install tcpdump');
  try {
    createRequire(import.meta.url)('cap');
    add('cap', 'ok', 'loads');
  } catch {
    add('cap', tcpdump ? 'ok' : 'warn', 'not installed (optional)', tcpdump ? undefined : 'For the cap backend: sudo apt-get install libpcap-dev g++ make python3, then npm rebuild cap.');
  }
  const rights = capabilities();
  if (rights.raw && rights.admin) add('privileges', 'ok', 'CAP_NET_RAW and CAP_NET_ADMIN');
  else {
    add('privileges', 'warn', `without ${[rights.raw ? '' : 'CAP_NET_RAW', rights.admin ? '' : 'CAP_NET_ADMIN'].filter(Boolean).join(' and ')}`,
      'Only live capture needs them: run as root, or give them to the service (AmbientCapabilities), or: sudo setcap cap_net_raw,cap_net_admin=eip "$(command -v tcpdump)". Capture files, replay and the console work without.');
  }
  for (const [name, pkg, why] of [['nats-server', 'nats-server', 'the distributed form'], ['influxd', 'influxdb', 'metrics at scale']] as const) {
    const path = onPath(name);
    add(name, 'ok', path ? await firstLine(path, name === 'influxd' ? ['version'] : ['--version']) : `not here (only needed for ${why}: apt-get install ${pkg})`);
  }
  return findings;
}

const sign: Record<State, string> = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' };

export function register(command: Command): void {
  command
    .option('--format <format>', 'table or json', 'table')
    .addHelpText('after', '\nExample:\n  npx shouwang doctor --format json | jq ".[] | select(.state != \\"ok\\")"')
    .action(async (options: { format: string }) => {
      const findings = await examine();
      if (options.format === 'json') console.log(JSON.stringify(findings, undefined, 1));
      else for (const f of findings) console.log(`${sign[f.state]}  ${f.check.padEnd(12)} ${f.found}${f.advice ? `\n      → ${f.advice}` : ''}`);
      if (findings.some((f) => f.state === 'fail')) process.exitCode = 2;
    });
}
