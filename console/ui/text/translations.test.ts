import t from 'tap';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INCIDENT_MACHINE } from '../../model/incident.js';
import { ROUTES } from '../../model/permissions.js';
import { messages } from '../i18n/messages.js';

const ROOT = 'console/ui';
const files = (readdirSync(ROOT, { recursive: true }) as string[])
  .filter((f) => /\.(vue|ts)$/.test(f) && !f.endsWith('.test.ts') && !f.startsWith('i18n'))
  .map((f) => ({ name: f, text: readFileSync(join(ROOT, f), 'utf8') }));

function flat(value: unknown, path: string, out: Map<string, string>): Map<string, string> {
  if (typeof value === 'string') out.set(path, value);
  else for (const [key, inner] of Object.entries(value as object)) flat(inner, path === '' ? key : `${path}.${key}`, out);
  return out;
}
const zh = flat(messages.zh, '', new Map());
const en = flat(messages.en, '', new Map());
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

t.test('both languages have every text, with the same places to fill in', async (t) => {
  t.strictSame([...en.keys()].sort(), [...zh.keys()].sort());
  for (const [key, text] of zh) {
    t.ok(text.trim() !== '' && en.get(key)!.trim() !== '', `${key} is not empty`);
    t.strictSame(placeholders(en.get(key)!), placeholders(text), key);
    // `@` links and `|` chooses in the message language; a text with them would not be shown as written.
    t.notMatch(text + en.get(key)!, /[@|]/, `${key} has no signs of the message language`);
    if (key !== 'shell.language') t.notMatch(en.get(key)!, /\p{Script=Han}/u, `${key} in English has no Chinese`);
  }
});

t.test('every text that a page asks for is there', async (t) => {
  for (const { name, text } of files) {
    for (const [, key] of text.matchAll(/\bt\(\s*'([a-z]+\.[\w.-]+)'/g)) t.ok(zh.has(key), `${name}: ${key}`);
    for (const [, prefix] of text.matchAll(/\bt\(\s*`([a-z]+(?:\.\w+)*)\.\$\{/g)) {
      t.ok([...zh.keys()].some((k) => k.startsWith(prefix + '.')), `${name}: ${prefix}.…`);
    }
  }
});

/** GET routes that the server writes into the audit log, too. */
const AUDITED_GETS = (readdirSync('console/server/routes') as string[]).flatMap((f) => {
  const text = readFileSync(join('console/server/routes', f), 'utf8');
  return [...text.matchAll(/app\.get(?:<[^(]*>)?\('([^']+)'[^\n]*audit: 'always'/g)].map((m) => `GET ${m[1]}`);
});

t.test('what the server names by a code has a name here', async (t) => {
  const audit = messages.zh.audit as Record<string, string>;
  t.ok(AUDITED_GETS.length > 5, 'the audited routes were found');
  // Stopped at the door or never written down: they change nothing that an auditor follows.
  for (const route of [...Object.keys(ROUTES).filter((r) => !r.startsWith('GET ')), ...AUDITED_GETS]) t.ok(audit[route], route);
  const kinds = /kind: ('issued'[^;]+);/.exec(readFileSync('console/model/remediation.ts', 'utf8'))![1];
  for (const [, kind] of kinds.matchAll(/'(\w+)'/g)) t.ok(zh.has(`remedy.noticeKind.${kind}`), `notice ${kind}`);
  const parts = /name: ('escalated'[^;]+); points/.exec(readFileSync('console/model/triage.ts', 'utf8'))![1];
  for (const [, part] of parts.matchAll(/'(\w+)'/g)) t.ok(zh.has(`triage.part.${part}`), `ranking ${part}`);
  const league = /name: ('compromised'[^;]+); count/.exec(readFileSync('console/model/report.ts', 'utf8'))![1];
  for (const [, part] of league.matchAll(/'(\w+)'/g)) t.ok(zh.has(`reports.part.${part}`), `league ${part}`);
  for (const action of Object.keys(INCIDENT_MACHINE.actions)) t.ok(zh.has(`incidents.actionName.${action}`), `incident ${action}`);
});

t.test('no page has text of its own', async (t) => {
  for (const { name, text } of files.filter((f) => f.name.endsWith('.vue'))) {
    const template = text.slice(text.indexOf('<template>'), text.lastIndexOf('</template>'));
    const script = text.slice(0, text.indexOf('<template>')).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    // Patterns that read the server's words are no text shown to anybody; neither are joiners and brackets.
    t.notMatch(template.replace(/<style[\s\S]*$/, ''), /\p{Script=Han}/u, `${name}: template in one language`);
    t.notMatch(script.replace(/\/[^/\n]+\/[a-z]*/g, ''), /\p{Script=Han}/u, `${name}: script in one language`);
    const bare = template.replace(/\{\{[\s\S]*?\}\}/g, '').replace(/="[^"]*"/g, '').replace(/&\w+;/g, '').replace(/<[^>]*>/g, '\n').split('\n');
    for (const line of bare.map((l) => l.trim())) t.notMatch(line, /[A-Za-z]{3,}/, `${name}: “${line}”`);
    for (const [, attribute, value] of template.matchAll(/\s(title|placeholder|aria-label|label|alt)="([^"]+)"/g)) t.fail(`${name}: ${attribute}="${value}" is not translated`);
  }
});

t.test('captured content can only be text', async (t) => {
  for (const { name, text } of files) t.notMatch(text, /v-html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, name);
});
