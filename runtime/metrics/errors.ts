import { coded } from '../errors.js';

export const metricsErrors = {
  query: coded('SW_METRICS_QUERY', (why: string) => `The query cannot be answered: ${why}.`, 'Ask for a shorter time or a wider interval.'),
  away: coded('SW_METRICS_AWAY', (where: string, why: string) => `The metrics store ${where} does not answer: ${why}.`,
    'See whether it is running and the address and credentials are right; points wait in memory meanwhile.'),
  url: coded('SW_METRICS_URL', (url: string) => `"${url}" is not the address of a metrics store.`,
    'Use embedded:, http://host:8086 or https://host:8086.'),
  file: coded('SW_METRICS_FILE', (path: string, why: string) => `The metrics file ${path} cannot be opened: ${why}.`,
    'See whether the directory exists and is writable, and no other process uses it.'),
  noServer: coded('SW_METRICS_NO_INFLUXD', () => 'The program influxd was not found.', 'Install it (Debian: apt-get install influxdb) or set INFLUXD to its path.'),
} as const;
