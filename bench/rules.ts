import { Random } from './random.js';

/** Languages that differ in how they name buffers. */
export type Dialect = 'suricata' | 'snort';

const BUFFERS: Record<Dialect, Record<'uri' | 'agent' | 'reply' | 'bytes', (content: string) => string>> = {
  suricata: {
    uri: (c) => `http.uri; ${c}`, agent: (c) => `http.user_agent; ${c}`, reply: (c) => `file.data; ${c}`, bytes: (c) => c,
  },
  snort: {
    uri: (c) => `http_uri; ${c}`, agent: (c) => `http_header: field user-agent; ${c}`, reply: (c) => `file_data; ${c}`, bytes: (c) => c,
  },
};

/** Rules with literals of their own, in the proportions of public rule sets: the same seed and count give the same rules. */
export function makeRules(count: number, seed: number, dialect: Dialect): string {
  const r = new Random(seed);
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const dice = r.below(100);
    const kind = dice < 50 ? 'uri' : dice < 62 ? 'agent' : dice < 75 ? 'reply' : 'bytes';
    const literal = `${kind === 'uri' ? '/' : ''}${r.word(r.between(4, 9))}${r.pick(['/', '.', '_', '-', '='])}${r.word(r.between(2, 8))}`;
    const content = BUFFERS[dialect][kind](`content:"${literal}"; ${r.chance(0.4) ? 'nocase; ' : ''}`);
    const back = kind === 'reply' || (kind === 'bytes' && r.chance(0.3));
    const ports = kind === 'bytes' ? r.pick(['any', 'any', '445', '[80,8080]', '1433', '25', '9000:9100']) : 'any';
    const app = kind === 'bytes' ? 'tcp' : 'http';
    const ends = back ? `any ${ports} -> any any` : `any any -> any ${ports}`;
    lines.push(`alert ${app} ${ends} (msg:"bench ${i}"; flow:established,${back ? 'to_client' : 'to_server'}; ${content}sid:${3_000_000 + i}; rev:1;)`);
  }
  return `${lines.join('\n')}\n`;
}
