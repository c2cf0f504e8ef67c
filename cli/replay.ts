import { Option, type Command } from 'commander';
import { statSync } from 'node:fs';
import { replay } from '../collector/replay.js';
import { openBus } from '../runtime/bus/open.js';
import { coded } from '../runtime/errors.js';
import { applianceBus } from './appliance.js';

const errors = {
  nowhere: coded('SW_REPLAY_NOWHERE', (path: string) => `No appliance is running here (nobody listens on ${path}).`,
    'Start one with npm start, or name a bus with --bus nats://host:4222.'),
  speed: coded('SW_REPLAY_SPEED', (value: string) => `"${value}" is no speed.`, 'Give a number such as 1 (original time) or 10 (ten times faster), or "max".'),
};

interface Options { speed: string; node: string; unit: string; bus?: string; data?: string; timestamps: 'original' | 'now'; partitions: number; demo?: boolean }

export function register(command: Command): void {
  command
    .argument('<captures...>', 'capture files')
    .option('--speed <n>', '1 for original time, N times faster, or "max"', 'max')
    .option('--node <name>', 'node that is said to have captured it', 'replay')
    .option('--unit <name>', 'unit of that node', 'local')
    .addOption(new Option('--timestamps <which>', 'the capture\'s own, or shifted to now').choices(['original', 'now']).default('original'))
    .option('--partitions <n>', 'flow partitions', (v) => Math.max(1, Number.parseInt(v, 10) || 1), 1)
    .option('--bus <url>', 'where to send; default: the appliance running here')
    .option('--data <folder>', 'data folder of the appliance')
    .option('--demo', 'mark it as a demonstration that the console can clear')
    .addHelpText('after', '\nExample:\n  npx shouwang replay attack.pcap --node gw1 --unit wuhan --speed 10 --timestamps now')
    .action(async (captures: string[], options: Options) => {
      const speed = options.speed === 'max' ? 'max' : Number(options.speed);
      if (speed !== 'max' && !(speed > 0)) throw errors.speed(options.speed);
      let bus;
      if (options.bus) bus = await openBus({ url: options.bus }, { name: `replay-${options.node}` });
      else {
        const found = await applianceBus(options.data);
        if (!found.bus) throw errors.nowhere(found.path);
        bus = found.bus;
      }
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      try {
        for (const path of captures) {
          const started = performance.now();
          const result = await replay(path, bus, {
            node: options.node, unit: options.unit, speed, timestamps: options.timestamps, partitions: options.partitions,
            ...(options.demo ? { demo: true } : {}), signal: stop.signal,
          });
          for (const w of result.capture.warnings) process.stderr.write(`${w.code}: ${path}: ${w.message}\n`);
          const seconds = (performance.now() - started) / 1000;
          console.log(`${path}: ${result.capture.packets} packets, ${statSync(path).size} bytes, ${result.counters.blocks} blocks in ${seconds.toFixed(1)} s`);
          if (stop.signal.aborted) break;
        }
      } finally {
        await bus.close();
      }
    });
}
