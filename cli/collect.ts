import { Option, type Command } from 'commander';
import { Collector } from '../collector/collector.js';
import { CollectorConfig } from '../collector/config.js';
import type { Bus } from '../runtime/bus/bus.js';
import { openBus } from '../runtime/bus/open.js';
import { loadConfig, parseConfig } from '../runtime/config.js';
import { coded, OperatorError } from '../runtime/errors.js';
import { createLog } from '../runtime/log.js';
import { runServices } from '../runtime/process.js';
import { applianceBus, dataFolder } from './appliance.js';
import { repeated } from './options.js';
import { CollectFile } from './settings.js';
import { version } from './version.js';

const errors = {
  nothing: coded('SW_COLLECT_NOTHING', () => 'Nothing to collect from is named.', 'Name an interface (-i eth0), a capture file, --folder, "-" for standard input, or a --config.'),
  nowhere: coded('SW_COLLECT_NOWHERE', (path: string) => `No appliance is running here (nobody listens on ${path}).`,
    'Start one with npm start, name a bus with --bus nats://host:4222, or let --print analyse and print here.'),
};

interface Options {
  interface: string[];
  folder: string[];
  config?: string;
  bus?: string;
  data?: string;
  filter?: string;
  snaplen?: number;
  backend?: 'auto' | 'tcpdump' | 'cap';
  node?: string;
  unit?: string;
  partitions?: number;
  print?: boolean;
}

async function collect(inputs: string[], options: Options): Promise<void> {
  const file = options.config ? loadConfig(options.config, CollectFile) : undefined;
  const sources: object[] = [
    ...options.interface.map((name) => ({ kind: 'live', interface: name })),
    ...options.folder.map((path) => ({ kind: 'folder', path, stateFile: `${path.replace(/\/$/, '')}/.shouwang-seen.json` })),
    ...inputs.map((path) => (path === '-' ? { kind: 'stdin' } : { kind: 'file', path })),
  ];
  if (sources.length === 0 && !file) throw errors.nothing();
  if (options.print) return printHere(inputs);
  const overrides = {
    ...(sources.length > 0 ? { sources } : {}), ...(options.node ? { node: options.node } : {}), ...(options.unit ? { unit: options.unit } : {}),
    ...(options.filter ? { bpf: options.filter } : {}), ...(options.snaplen !== undefined ? { snaplen: options.snaplen } : {}),
    ...(options.backend ? { backend: options.backend } : {}), ...(options.partitions ? { partitions: options.partitions } : {}),
  };
  const config = parseConfig(JSON.stringify({ node: 'local', unit: 'local', sources: [], ...file?.collector, ...overrides }), options.config ?? 'command line', CollectorConfig);
  const log = createLog();
  let bus: Bus;
  if (options.bus) bus = await openBus({ url: options.bus }, { name: `collect-${config.node}` });
  else if (file && file.bus.url !== 'embedded:') bus = await openBus(file.bus, { name: `collect-${config.node}` });
  else {
    const found = await applianceBus(options.data);
    if (!found.bus) {
      if (inputs.length > 0 && options.interface.length === 0 && options.folder.length === 0) {
        process.stderr.write(`No appliance is running here; analysing and printing instead. ${errors.nowhere(found.path).hint}\n`);
        return printHere(inputs);
      }
      throw errors.nowhere(found.path);
    }
    bus = found.bus;
  }
  const failures: Error[] = [];
  const collector = new Collector(config, {
    bus, version: version(), spoolFolder: `${dataFolder(options.data)}/spool-${config.node}`,
    onSourceError: (source, error) => {
      failures.push(error);
      log.error('source failed', { source, error });
    },
  });
  const closing = { name: 'bus', start: async () => {}, stop: () => bus.close() };
  const running = await runServices([closing, collector], log);
  try {
    await collector.finished;
  } catch (error) {
    process.stderr.write(`${error instanceof OperatorError ? error.toLine() : String(error)}\n`);
    await running.finish(2);
    return;
  }
  const { counters, reasons = [] } = collector.health();
  // Damage in a capture, and what else a source had to say at its end.
  for (const reason of reasons) process.stderr.write(`${reason.code}: ${reason.message}\n`);
  process.stderr.write(`collected ${counters['packets']} packets, ${counters['bytes']} bytes in ${counters['blocks']} blocks as node ${config.node}\n`);
  await running.finish(failures.length > 0 ? 2 : 0);
}

async function printHere(inputs: string[]): Promise<void> {
  const { analyzeCaptures } = await import('./analysis.js');
  const { alertLine } = await import('./table.js');
  const stats = await analyzeCaptures(inputs, { rules: [] }, {
    alert: (alert) => console.log(alertLine(alert, /^zh/.test(process.env['LANG'] ?? ''))),
    warn: (line) => process.stderr.write(`${line}\n`),
  });
  const packets = stats.reduce((n, s) => n + s.packets, 0);
  const alerts = stats.reduce((n, s) => n + s.alerts, 0);
  console.log(`${packets} packets, ${alerts} alert${alerts === 1 ? '' : 's'}`);
}

export function register(command: Command): void {
  command
    .argument('[inputs...]', 'capture files; "-" for standard input')
    .option('-i, --interface <name>', 'capture live from an interface, again for more (needs CAP_NET_RAW)', repeated, [])
    .option('--folder <path>', 'watch a folder for finished captures, again for more', repeated, [])
    .option('--config <file>', 'settings (YAML): bus and collector')
    .option('--bus <url>', 'where to send: nats://host:4222, tls://…, unix:/path; default: the appliance running here')
    .option('--data <folder>', 'data folder of the appliance')
    .option('-f, --filter <bpf>', 'capture filter (pcap-filter)')
    .option('-s, --snaplen <bytes>', 'bytes captured of a packet', (v) => Number.parseInt(v, 10))
    .addOption(new Option('--backend <name>', 'live capture by').choices(['auto', 'tcpdump', 'cap']))
    .option('--node <name>', 'name of this node', undefined)
    .option('--unit <name>', 'unit that the node belongs to')
    .option('--partitions <n>', 'flow partitions', (v) => Number.parseInt(v, 10))
    .option('--print', 'analyse here and print alerts, without an appliance')
    .addHelpText('after', `
Examples:
  tcpdump -i eth0 -w - | npx shouwang collect -
  npx shouwang collect -i eth0 --node gw1 --unit wuhan --bus nats://10.0.0.5:4222
  npx shouwang collect --config /etc/shouwang/collect.yaml`)
    .action(collect);
}
