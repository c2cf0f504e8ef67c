import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import fc from 'fast-check';
import t from 'tap';
import { CLASS_NAMES, PHASES, SEVERITIES, VERDICTS } from '../../contracts/classes.js';
import { RULE_PHASES, RULE_SEVERITIES, RULE_VERDICTS } from '../../contracts/rule.js';
import { compileRule } from './compile.js';
import { parseRuleDocument } from './document.js';
import { loadRules } from './load.js';
import { judge } from './prove.js';
import { ruleSchema } from './schema.js';
import type { Alert } from '../../contracts/alert.js';
import { parse } from 'yaml';

const GOOD = `id: good-rule
sid: 10
revision: 1
title: { zh: 题, en: Title }
advice: { zh: 办, en: Do }
severity: high
class: exploit
on: http
match:
  request:
    - http.uri: { contains: evil }
falsePositives: { zh: 无, en: none }
remediation: { zh: 修, en: fix }
captures:
  - { file: hit.pcap, expect: hit, made: by hand }
  - { file: miss.pcap, expect: miss, made: by hand }
`;

/** Lines of the errors that these files give, without the folder's name. */
function errorsOf(t: Tap.Test | { teardown(f: () => void): void }, ...files: string[]): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'shouwang-rules-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  files.forEach((text, i) => writeFileSync(join(dir, `${i}.yaml`), text));
  const loaded = loadRules([dir]);
  if (loaded.errors.length > 0 && loaded.rules) throw new Error('rules in spite of errors');
  return loaded.errors.map((e) => e.toLine().replaceAll(`${dir}/`, ''));
}
declare namespace Tap { interface Test { teardown(f: () => void): void } }

t.test('each mistake is told with its place and what to write instead', (t) => {
  const cases: [string, string, string][] = [
    ['severity: high', 'severety: high', "SW_RULE_UNKNOWN_KEY: 0.yaml:6:1: unknown key 'severety' in the rule. Did you mean 'severity'?"],
    ['severity: high', 'severity: hihg', "SW_RULE_VALUE: 0.yaml:6:11: severity is 'hihg'. Did you mean 'high'?"],
    ['class: exploit', 'class: exploitt', "SW_RULE_VALUE: 0.yaml:7:8: class is 'exploitt'. Did you mean 'exploit'?"],
    ['{ zh: 办, en: Do }', '{ zh: 办 }', "SW_RULE_TRANSLATION: 0.yaml:5:1: advice has no 'en' text. Add 'en:'; operators read both languages."],
    ['sid: 10', "sid: '10'", 'SW_RULE_VALUE: 0.yaml:2:6: sid must be a whole number, not a text. Write a whole number; rules/README.md shows an example.'],
    ['http.uri:', 'http.url:', "SW_RULE_UNKNOWN_KEY: 0.yaml:11:7: unknown key 'http.url' in match.request[1]. Did you mean 'http.uri'?"],
    ['http.uri:', 'dns.query:', "SW_RULE_BUFFER: 0.yaml:11:7: buffer 'dns.query' does not exist on http. Known buffers: "],
    ['http.uri:', 'http.stat_code:', "SW_RULE_SIDE: 0.yaml:11:7: buffer 'http.stat_code' is never in the request. Move the condition to match.response."],
    ['contains: evil', 'containz: evil', "SW_RULE_UNKNOWN_KEY: 0.yaml:11:19: unknown key 'containz' in match.request[1].http.uri. Did you mean 'contains'?"],
    ['contains: evil', "regex: 'a(b'", 'SW_RULE_REGEX: 0.yaml:11:26: regular expression /a(b/ has a group that is never closed at character 2. Add ), or write \\( for the character itself.'],
    ['contains: evil', "regex: '(a)\\1'", 'SW_RULE_REGEX: 0.yaml:11:26: regular expression /(a)\\1/ refers back to a group at character 4. Write the alternatives out; back references cannot run in linear time.'],
    ['contains: evil', 'contains: evil, distance: 1', "SW_RULE_CURSOR: 0.yaml:11:35: 'distance' has no earlier test in the list to look back to."],
    ['contains: evil', 'contains: evil, depth: 3', "SW_RULE_CURSOR: 0.yaml:11:35: 'depth' is 3, but the text has 4 bytes."],
    ['contains: evil', 'contains: evil, transforms: [rot13]', "SW_RULE_VALUE: 0.yaml:11:48: match.request[1].http.uri.transforms[1] is 'rot13'. See the list of transforms in rules/README.md."],
    ['on: http', 'on: http\nfrom: $HOME_NETS', 'SW_RULE_VARIABLE: 0.yaml:9:7: address or port variable $HOME_NETS is not defined. Did you mean \'HOME_NET\'?'],
    ['expect: miss', 'expect: hit', "SW_RULE_VALUE: 0.yaml:14:1: captures: has no 'miss'. Add a capture with expect: miss."],
    ['on: http\n', '', "SW_RULE_MISSING: 0.yaml:8:1: 'on' is missing in the rule. Add 'on:'; rules/README.md says what it means."],
    ['title: {', 'title: {{', 'SW_RULE_YAML: 0.yaml:'],
    ['id: good-rule', 'id: Good_Rule', "SW_RULE_VALUE: 0.yaml:1:5: id is 'Good_Rule'. Write lower-case letters, digits and single hyphens, e.g. struts2-s2-045."],
  ];
  for (const [from, to, expected] of cases) {
    const errors = errorsOf(t, GOOD.replace(from, to));
    t.ok(errors[0]?.startsWith(expected.replace('captures: has', 'captures has')), `${to}: ${errors[0]}`);
  }
  t.same(errorsOf(t, GOOD), []);
  t.same(errorsOf(t, GOOD, GOOD).slice(0, 2), [
    'SW_RULE_DUPLICATE: 1.yaml:1:5: id good-rule is already used in 0.yaml:1:5. Give one of the two rules another id.',
    'SW_RULE_DUPLICATE: 1.yaml:2:6: sid 10 is already used in 0.yaml:2:6. Give one of the two rules another sid.',
  ]);
  t.end();
});

t.test('damaged documents are errors, never exceptions', (t) => {
  const places = fc.record({ at: fc.integer({ min: 0, max: GOOD.length }), cut: fc.integer({ min: 0, max: 12 }), put: fc.constantFrom('', '{', '}', '[', ':', '- ', '&a ', '*a', '|', '"', '\t', '\0', '!!binary ', '? ', '1', 'null', 'not: ', '(?=') });
  fc.assert(fc.property(fc.array(places, { minLength: 1, maxLength: 4 }), (edits) => {
    let text = GOOD;
    for (const { at, cut, put } of edits) text = text.slice(0, at) + put + text.slice(at + cut);
    const parsed = parseRuleDocument(text, 'x.yaml');
    if (parsed.document) compileRule(parsed.document, parsed.placeOf, { HOME_NET: '10.0.0.0/8' });
    return parsed.document !== undefined || parsed.errors.length > 0;
  }), { numRuns: 150 });
  t.pass();
  t.end();
});

t.test('the schema for editors is current and takes a good rule', (t) => {
  const text = ruleSchema();
  t.equal(readFileSync('rules/rule.schema.json', 'utf8'), text, 'node dist/analyzer/match/write-schema.js writes it');
  const validate = new Ajv.default({ strict: false, inlineRefs: false }).compile(JSON.parse(text) as object);
  t.ok(validate(parse(GOOD)), JSON.stringify(validate.errors));
  t.notOk(validate(parse(GOOD.replace('http.uri', 'http.url'))));
  t.end();
});

t.test('the contract lists what the classes list', (t) => {
  t.same(RULE_PHASES, PHASES);
  t.same(RULE_SEVERITIES, SEVERITIES);
  t.same(RULE_VERDICTS, VERDICTS);
  t.ok(CLASS_NAMES.length > 40);
  t.end();
});

t.test('a capture proves or disproves its rule', (t) => {
  const document = parse(GOOD) as Parameters<typeof judge>[0];
  const alert = (id: string, verdict: string, rule = 'good-rule', revision = 1) => ({ shouwang: { id, rule, verdict, revision } }) as unknown as Alert;
  const hit = { file: 'a.pcap', expect: 'hit', made: 'x' } as const;
  t.equal(judge(document, hit, [alert('1', 'attempted')]), undefined);
  t.equal(judge(document, hit, [alert('1', 'attempted', 'other')]), 'no alert where one is expected');
  t.equal(judge(document, { ...hit, verdict: 'succeeded' }, [alert('1', 'attempted')]), 'verdict attempted where succeeded is expected');
  t.equal(judge(document, { ...hit, count: 1 }, [alert('1', 'attempted'), alert('1', 'succeeded', 'good-rule', 2)]), undefined, 'revisions of one alert are one');
  t.equal(judge(document, { ...hit, expect: 'miss' }, [alert('1', 'attempted')]), '1 alert where none is expected');
  t.end();
});
