import type { Command } from 'commander';
import { createConsole } from '../console/server/console.js';
import { openBus } from '../runtime/bus/open.js';
import { loadConfig } from '../runtime/config.js';
import { coded } from '../runtime/errors.js';
import { systemClock } from '../runtime/lifecycle.js';
import { createLog } from '../runtime/log.js';
import { openMetrics } from '../runtime/metrics/open.js';
import { runServices } from '../runtime/process.js';
import { PACK, UI_FOLDER } from './pack.js';
import { ConsoleFile } from './settings.js';

const errors = {
  config: coded('SW_CONSOLE_CONFIG', () => 'The console of the distributed form needs a configuration.',
    'Name one with --config; deploy/config/console.yaml is a start. For everything in one process run npm start.'),
};

export function register(command: Command): void {
  command
    .option('--config <file>', 'settings (YAML): bus, metrics and console')
    .addHelpText('after', '\nExample:\n  npx shouwang console --config /etc/shouwang/console.yaml')
    .action(async (options: { config?: string }) => {
      if (!options.config) throw errors.config();
      const file = loadConfig(options.config, ConsoleFile);
      const log = createLog();
      const bus = await openBus(file.bus, { name: 'console', onError: (error, subject) => log.error('bus', { error, subject }) });
      bus.onState((state) => log.info('bus', { state }));
      const metrics = await openMetrics(file.metrics, { onError: (error) => log.warn('metrics', { error }) });
      const app = await createConsole({
        bus, metrics, log, clock: systemClock,
        config: { ...file.console, ui: file.console.ui ?? UI_FOLDER, rulesDir: file.console.rulesDir ?? PACK },
      });
      const outer = {
        name: 'connections', start: async () => {}, stop: async () => {
          await metrics.close();
          await bus.close();
        },
      };
      await runServices([outer, app], log);
      process.stdout.write(`Console: ${app.address}\n`);
      if (app.setupCode) process.stdout.write(`Set-up code for the first administrator (once): ${app.setupCode}\n`);
    });
}
