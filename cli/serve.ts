import { Analyzer } from '../analyzer/serve/service.js';
import { openBus } from '../runtime/bus/open.js';
import { loadConfig } from '../runtime/config.js';
import { coded } from '../runtime/errors.js';
import { systemClock } from '../runtime/lifecycle.js';
import { createLog } from '../runtime/log.js';
import { openMetrics } from '../runtime/metrics/open.js';
import { runServices } from '../runtime/process.js';
import { loadRegistry, RegistryIndex } from '../runtime/registry.js';
import { followIndicators, loadIndicators } from './indicators.js';
import { CACHE, rulePaths } from './pack.js';
import { AnalyzeFile } from './settings.js';
import { proveRules } from './strict.js';
import { version } from './version.js';


const errors = {
  config: coded('SW_SERVE_CONFIG', () => '--serve needs a configuration.', 'Name one with --config; deploy/config/analyze.yaml is a start.'),
};

/** `analyze --serve`: one analyzer of the distributed form. */
export async function serve(config: string | undefined): Promise<void> {
  if (!config) throw errors.config();
  const file = loadConfig(config, AnalyzeFile);
  const log = createLog();
  const prove = file.analyzer.strict ? (paths: string[]) => proveRules(paths, (line) => log.error(line)) : undefined;
  await prove?.(rulePaths(file.analyzer.rules));
  const bus = await openBus(file.bus, { name: file.analyzer.id, onError: (error, subject) => log.error('bus', { error, subject }) });
  bus.onState((state) => log.info('bus', { state }));
  const metrics = await openMetrics(file.metrics, { onError: (error) => log.warn('metrics', { error }) });
  const registry = file.analyzer.registry ? new RegistryIndex(loadRegistry(file.analyzer.registry)) : undefined;
  const lists = file.analyzer.indicators;
  const warn = (line: string) => log.warn(line);
  const indicators = { store: loadIndicators(lists, warn) };
  const analyzer = new Analyzer({
    bus, metrics, config: file.analyzer, rulePaths: rulePaths(file.analyzer.rules), cache: CACHE, log, clock: systemClock, version: version(),
    ...(prove ? { prove } : {}),
    ...(registry ? { lookup: (ip) => registry.lookup(ip) } : {}),
    ...(lists.length > 0 ? { indicators } : {}),
    onFatal: (error) => {
      // The successor replays what was not acknowledged; going on with half a state would lose it.
      log.error('a worker died; ending so that a fresh process replays its packets', { error });
      process.exit(1);
    },
  });
  if (lists.length > 0) followIndicators(lists, indicators, log);
  process.on('SIGHUP', () => void analyzer.reloadRules().then((answer) => (answer.ok ? log.info('reload', answer) : log.error('the rules stay as they were', answer))));
  const outer = {
    name: 'connections', start: async () => {}, stop: async () => {
      await metrics.flush();
      await metrics.close();
      await bus.close();
    },
  };
  await runServices([outer, analyzer], log);
  log.info('analyzer ready', { id: file.analyzer.id, partitions: file.analyzer.partitions });
}
