import { Arena } from '../analyzer/arena.js';
import { literalScan } from '../analyzer/match/prefilter.js';

/**
 * Speed of the literal prefilter on text like HTTP's, for 30 to 30,000 literals:
 * `node dist/bench/prefilter.js`. Prints GB/s of processor time at different buffer sizes.
 */
const seed = (() => {
  let x = 0x2545f491;
  return () => ((x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0) / 2 ** 32;
})();
const pick = <T>(from: readonly T[]): T => from[Math.floor(seed() * from.length)] as T;
const WORDS = ['index', 'admin', 'login', 'select', 'user', 'upload', 'shell', 'config', 'passwd', 'eval', 'union', 'script', 'exec', 'system', 'cmd', 'php', 'jsp', 'session', 'token', 'api', 'image', 'static', 'query', 'report', 'service'];
const MARKS = ['/', '.', '=', '?', '&', '%2e', '-', '_', '(', "'", ';'];

function literal(shortest: number): Uint8Array {
  let text = '';
  const own = () => Array.from({ length: 3 + Math.floor(seed() * 6) }, () => pick([...'etaoinsrhldcumfpgwybvkxjqz_'])).join('');
  while (text.length < shortest + seed() * 12) text += (seed() < 0.3 ? pick(WORDS) : own()) + pick(MARKS);
  return Buffer.from(text.slice(0, Math.floor(shortest + seed() * 14)));
}

function request(): string {
  return `GET /${pick(WORDS)}/${pick(WORDS)}${Math.floor(seed() * 1e6)}.${pick(['html', 'jsp', 'php', 'js'])}?${pick(WORDS)}=${seed().toString(36).slice(2)} HTTP/1.1\r\nHost: www.example.gov.cn\r\n`
    + 'User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/77.0.3865.90 Safari/537.36\r\nAccept: text/html,application/xhtml+xml;q=0.9\r\n'
    + `Cookie: JSESSIONID=${seed().toString(16).slice(2)}${seed().toString(16).slice(2)}\r\n\r\n`;
}

const arena = new Arena(64 << 20);
const SIZE = 1 << 20;
const at = arena.reserve(SIZE);
let text = '';
while (text.length < SIZE) text += request();
arena.u8.set(Buffer.from(text.slice(0, SIZE), 'latin1'), at);

for (const shortest of [8, 4]) {
  for (const count of [30, 300, 3000, 30_000]) {
    const scan = literalScan(arena, Array.from({ length: count }, () => literal(shortest)));
    const line: string[] = [];
    for (const chunk of [64, 1460, 65_536]) {
      let best = Infinity;
      let found = 0;
      for (let run = 0; run < 3; run++) {
        const start = process.cpuUsage();
        found = 0;
        for (let from = 0; from + chunk <= SIZE; from += chunk) found += scan.scan(at + from, chunk);
        best = Math.min(best, process.cpuUsage(start).user * 1000);
      }
      line.push(`${chunk} B: ${(SIZE / best).toFixed(2)} GB/s (${found} found)`);
    }
    console.log(`${String(count).padStart(6)} literals of ${shortest}+ bytes   ${line.join('   ')}`);
    scan.dispose();
  }
}
