import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import t from 'tap';
import { loadConfig, parseConfig } from './config.js';
import { OperatorError } from './errors.js';

const Schema = Type.Object({
  node: Type.String({ minLength: 1 }),
  mode: Type.Union([Type.Literal('live'), Type.Literal('file')], { default: 'live' }),
  bus: Type.Object({
    url: Type.String({ default: 'embedded:' }),
    password: Type.Optional(Type.String()),
    maxBytes: Type.Integer({ minimum: 1024, default: 4096 }),
  }, { default: {}, additionalProperties: false }),
  interfaces: Type.Array(Type.Object({ name: Type.String(), snaplen: Type.Integer({ default: 262144 }) }, { additionalProperties: false }), { default: [] }),
}, { $id: 'ConfigTest', additionalProperties: false });

function fault(text: string, env: Record<string, string> = {}): string {
  try {
    parseConfig(text, 'x.yaml', Schema, { env });
  } catch (error) {
    t.ok(error instanceof OperatorError);
    return (error as OperatorError).message;
  }
  return '';
}

t.test('defaults, environment and files', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sw-config-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'secret'), 'hunter two\nrest\n');
  writeFileSync(join(dir, 'c.yaml'), 'node: a-$${x}\nbus:\n  url: nats://${HOST}:4222\n  password: ${file:secret}\n  maxBytes: ${BYTES}\ninterfaces:\n  - name: eth0\n    snaplen: ${SNAP}\n');
  t.strictSame(loadConfig(join(dir, 'c.yaml'), Schema, { env: { HOST: 'n1', BYTES: '2048', SNAP: '96' } }), {
    node: 'a-${x}', mode: 'live', bus: { url: 'nats://n1:4222', password: 'hunter two', maxBytes: 2048 }, interfaces: [{ name: 'eth0', snaplen: 96 }],
  });
  t.strictSame(parseConfig('node: n', 'y', Schema), { node: 'n', mode: 'live', bus: { url: 'embedded:', maxBytes: 4096 }, interfaces: [] });
  t.throws(() => loadConfig(join(dir, 'missing.yaml'), Schema), { code: 'SW_CONFIG_UNREADABLE' });
});

t.test('faults tell file, line, column, what was expected and what was meant', async (t) => {
  t.match(fault('node: n\nbus:\n  ulr: x\n'), 'x.yaml:3:3: bus: unknown key "ulr"; did you mean "url"?');
  t.match(fault('node: n\nmode: liv\n'), 'x.yaml:2:7: mode: expected one of live, file, found "liv"; did you mean "live"?');
  t.match(fault('node: n\nbus:\n  maxBytes: 12\n'), 'x.yaml:3:13: bus.maxBytes: expected a number >= 1024, found 12');
  t.match(fault('mode: file\n'), 'x.yaml:1:1: the key "node" is missing');
  t.match(fault('node: n\ninterfaces:\n  - name: a\n  - nam: b\n'), /x\.yaml:4:5: interfaces\.1: unknown key "nam"; did you mean "name"\?/);
  t.match(fault('node: n\n node: m\n'), 'x.yaml:1:7: ');
  t.match(fault('node: n\nnode: m\n'), /x\.yaml:2:1: .*unique/);
  t.match(fault('node: ${NOPE}\n'), 'x.yaml:1:7: the environment variable NOPE is not set');
  t.match(fault('node: n\nbus: {password: "${file:/nonexistent}"}\n'), /x\.yaml:2:17: the file of .* cannot be read: ENOENT/);
  t.match(fault('- 1\n'), 'x.yaml:1:1: expected a map, found [1]');
});
