import t from 'tap';
import { Arena } from '../arena.js';
import { Stage, type Transaction } from '../app/parser.js';
import { Packet } from '../decode/packet.js';
import { Flow, type Direction } from '../flow/flow.js';
import { DEFAULT_VARIABLES } from './addresses.js';
import { B, BufferTable, type BufferName } from './buffers.js';
import { compileRule } from './compile.js';
import { parseRuleDocument } from './document.js';
import { RuleEngine } from './engine.js';
import type { RuleHit } from './hit.js';
import type { MatchContext } from './matcher.js';
import { RuleSet } from './rule-set.js';

const HEAD = (id: string, sid: number) => `
id: ${id}
sid: ${sid}
revision: 1
title: { zh: 测试, en: Test }
advice: { zh: 无, en: none }
severity: medium
class: exploit
falsePositives: { zh: 无, en: none }
remediation: { zh: 无, en: none }
captures:
  - { file: a.pcap, expect: hit, made: by hand }
  - { file: b.pcap, expect: miss, made: by hand }
`;

function ruleSet(...bodies: string[]): RuleSet {
  return new RuleSet(bodies.map((body, i) => {
    const parsed = parseRuleDocument(HEAD(`rule-${i + 1}`, i + 1) + body, 'test.yaml');
    const errors = [...parsed.errors];
    const compiled = parsed.document && compileRule(parsed.document, parsed.placeOf, DEFAULT_VARIABLES);
    errors.push(...(compiled?.errors ?? []));
    if (errors.length > 0 || !compiled?.signature) throw new Error(errors.map((e) => e.toLine()).join('\n'));
    return compiled.signature;
  }));
}

/** Bytes that parsers and streams would hand over, without packets around them. */
class Feed {
  readonly arena = new Arena(16 << 20);
  readonly packet = new Packet();
  readonly buffers = new BufferTable();
  readonly flow = new Flow();
  readonly hits: string[] = [];
  readonly all: RuleHit[] = [];
  nowUs = 1e15;
  readonly engine: RuleEngine;
  private readonly room = this.arena.reserve(1 << 20);
  private tx = new Map<number, Transaction>();

  constructor(...bodies: string[]) {
    this.flow.id = 7;
    this.flow.protocol = 6;
    this.flow.addresses.set([192, 0, 2, 1]);
    this.flow.addresses.set([10, 0, 0, 1], 16);
    this.flow.clientPort = 40000;
    this.flow.serverPort = 80;
    this.engine = new RuleEngine(this.arena, ruleSet(...bodies), (hit) => {
      this.hits.push(`${hit.signature.info.id} ${hit.verdict} ${hit.severity}`);
      this.all.push(hit);
    });
  }
  get context(): MatchContext {
    return this as unknown as MatchContext;
  }
  flowOf(): Flow {
    return this.flow;
  }
  stage(id: number, stage: Stage, buffers: [BufferName, string][], protocol = 'http'): this {
    let tx = this.tx.get(id);
    if (!tx) this.tx.set(id, tx = { id, protocol, detail: () => ({}), matcher: undefined });
    this.buffers.clear();
    let at = this.room;
    this.arena.u8.fill(0xee, at, at + 65536); // what an earlier stage has shown is gone
    for (const [name, value] of buffers) {
      const bytes = Buffer.from(value, 'latin1');
      this.arena.u8.set(bytes, at);
      this.buffers.add(B[name], at, bytes.length);
      at += bytes.length;
    }
    this.engine.inspect(this.context, this.flow, tx, stage);
    return this;
  }
  chunk(direction: Direction, text: string): this {
    this.arena.u8.set(Buffer.from(text, 'latin1'), this.room);
    this.engine.stream(this.context, this.flow, direction, this.room, text.length);
    return this;
  }
  datagram(text: string): this {
    this.arena.u8.set(Buffer.from(text, 'latin1'), this.room);
    Object.assign(this.packet, { protocol: 17, payloadOffset: this.room, payloadLength: text.length, number: this.packet.number + 1 });
    this.engine.packet(this.context, this.flow, 0);
    return this;
  }
}

t.test('a verdict rises with the response, under one key', (t) => {
  const feed = new Feed(`
on: http
match:
  request:
    - http.uri: { contains: 'cmd=' }
    - http.method: POST
verdict:
  - is: succeeded
    severity: critical
    because: { zh: 回显, en: output }
    response:
      - http.stat_code: 200
      - http.response_body: { regex: 'uid=\\d+\\(' }
`);
  feed.stage(0, Stage.RequestHead, [['http.method', 'POST'], ['http.uri', '/a?cmd=id']]);
  t.same(feed.hits, ['rule-1 attempted medium']);
  feed.stage(0, Stage.RequestEnd, []).stage(0, Stage.ResponseHead, [['http.stat_code', '200']]);
  feed.stage(0, Stage.ResponseBody, [['http.response_body', 'uid=0(root) gid=0(root)']]).stage(0, Stage.ResponseEnd, []);
  t.same(feed.hits, ['rule-1 attempted medium', 'rule-1 succeeded critical']);
  t.equal(feed.all[0]?.key, feed.all[1]?.key);
  t.same(feed.all[1]?.matched().map((m) => [m.buffer, m.direction, Buffer.from(m.data, 'base64').toString(), m.marks]), [
    ['http.uri', 'to_server', '/a?cmd=id', [[3, 7]]],
    ['http.method', 'to_server', 'POST', [[0, 4]]],
    ['http.stat_code', 'to_client', '200', [[0, 3]]],
    ['http.response_body', 'to_client', 'uid=0(root) gid=0(root)', [[0, 6]]],
  ]);
  feed.stage(1, Stage.RequestHead, [['http.method', 'GET'], ['http.uri', '/a?cmd=id']]).stage(1, Stage.RequestEnd, []);
  t.equal(feed.hits.length, 2, 'a GET is none');
  t.end();
});

t.test('conditions meet over the stages of one side, whichever holds the literal', (t) => {
  const feed = new Feed(`
on: http
match:
  request:
    - http.host: { ends-with: '.test' }
    - http.request_body: { contains: 'a-long-literal-in-the-body' }
    - not: { http.cookie: { contains: session } }
`);
  const body = 'xx a-long-literal-in-the-body';
  feed.stage(0, Stage.RequestHead, [['http.host', 'www.test']]).stage(0, Stage.RequestBody, [['http.request_body', body]]);
  t.same(feed.hits, ['rule-1 attempted medium']);
  feed.stage(1, Stage.RequestHead, [['http.host', 'www.other']]).stage(1, Stage.RequestBody, [['http.request_body', body]]);
  feed.stage(2, Stage.RequestHead, [['http.host', 'www.test'], ['http.cookie', 'session=1']]).stage(2, Stage.RequestBody, [['http.request_body', body]]);
  t.equal(feed.hits.length, 1);
  t.end();
});

t.test('request and response together; absence is known at the end of a side', (t) => {
  const feed = new Feed(`
on: http
match:
  request: [{ http.uri: { contains: 'dumpConfig' } }]
  response: [{ http.stat_code: 200 }, { http.response_body: { absent: true } }]
`);
  feed.stage(0, Stage.RequestHead, [['http.uri', '/x?dumpConfig']]).stage(0, Stage.RequestEnd, []).stage(0, Stage.ResponseHead, [['http.stat_code', '200']]);
  t.same(feed.hits, []);
  feed.stage(0, Stage.ResponseEnd, []);
  t.same(feed.hits, ['rule-1 attempted medium']);
  t.end();
});

t.test('any instance of a buffer; transforms; alternatives over buffers', (t) => {
  const feed = new Feed(`
on: http
match: [{ http.request_header: { contains: 'evil', nocase: true } }]
`, `
on: http
match:
  request:
    - any:
        - http.uri: { contains: '\${jndi:', transforms: [url-decode, to-lowercase] }
        - http.user_agent: { contains: '\${jndi:', nocase: true }
`);
  feed.stage(0, Stage.RequestHead, [['http.request_header', 'A: b'], ['http.request_header', 'X: EVIL']]);
  feed.stage(1, Stage.RequestHead, [['http.uri', '/%24%7BJndi%3aldap']]);
  feed.stage(2, Stage.RequestHead, [['http.user_agent', '${JNDI:rmi']]);
  t.same(feed.hits, ['rule-1 attempted medium', 'rule-2 attempted medium', 'rule-2 attempted medium']);
  t.end();
});

t.test('a stream matches however it is cut, and only answers to the attack count', (t) => {
  const body = `
on: tcp
match:
  request:
    - stream:
        - { contains: config, nocase: true }
        - { contains: set, nocase: true, distance: 0, within: 16 }
verdict:
  - is: succeeded
    severity: high
    because: { zh: 成功, en: accepted }
    response: [{ message: { starts-with: '+OK' } }]
`;
  const request = '*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$3\r\ndir';
  for (let cut = 1; cut < request.length; cut++) {
    const feed = new Feed(body);
    feed.chunk(0, 'PING\r\n').chunk(1, '+OK\r\n').chunk(0, request.slice(0, cut)).chunk(0, request.slice(cut));
    t.same(feed.hits, ['rule-1 attempted medium'], `cut at ${cut}`);
    feed.chunk(1, '+').chunk(1, 'OK\r\n');
    t.same(feed.hits.slice(1), ['rule-1 succeeded high'], `answered, cut at ${cut}`);
  }
  const far = new Feed(body).chunk(0, `config${' '.repeat(17)}set`);
  t.same(far.hits, [], 'too far apart');
  t.end();
});

t.test('packets of datagrams, addresses, ports and thresholds', (t) => {
  const feed = new Feed(`
on: udp
from: '!10.0.0.0/8'
to: { addresses: $HOME_NET, ports: ['79-81'] }
match: [{ payload: { hex: '00 01 fe', length: { max: 8 } } }]
threshold: { count: 3, seconds: 60, track: source }
`, `
on: udp
to: { ports: ['!80'] }
match: [{ payload: { hex: '00 01 fe' } }]
`);
  feed.flow.protocol = 17;
  for (let i = 0; i < 7; i++) feed.datagram('ab\0\x01\xfe');
  feed.datagram('longer than eight \0\x01\xfe');
  t.same(feed.hits, ['rule-1 attempted medium', 'rule-1 attempted medium']);
  t.end();
});

t.test('rules change between two packets', (t) => {
  const feed = new Feed('on: http\nmatch: [{ http.uri: { contains: first } }]');
  feed.engine.swap(ruleSet('on: http\nmatch: [{ http.uri: { contains: second } }]'));
  feed.stage(0, Stage.RequestHead, [['http.uri', '/first']]).stage(1, Stage.RequestHead, [['http.uri', '/second']]);
  t.equal(feed.hits.length, 1);
  t.end();
});

t.test('a rule that yields leaves the attempt to one that names it better, and tells what that one has not reached', (t) => {
  const product = `
on: http
match:
  request: [{ http.uri: { contains: '/oa/' } }, { not: { http.request_body: { contains: 'harmless' } } }]
verdict:
  - { is: succeeded, because: { zh: 甲, en: a }, response: [{ http.response_body: { contains: 'token=' } }] }
`;
  const kind = `
yields: 1
on: http
match:
  request: [{ http.uri: { contains: '../' } }]
verdict:
  - { is: succeeded, because: { zh: 乙, en: b }, response: [{ http.response_body: { contains: 'root:' } }] }
`;
  const both = (uri: string, body: string, reply: string) => new Feed(kind, product)
    .stage(0, Stage.RequestHead, [['http.uri', uri]]).stage(0, Stage.RequestBody, [['http.request_body', body]]).stage(0, Stage.RequestEnd, [])
    .stage(0, Stage.ResponseHead, []).stage(0, Stage.ResponseBody, [['http.response_body', reply]]).hits;
  t.same(both('/oa/../a', 'x', 'nothing'), ['rule-2 attempted medium']);
  t.same(both('/oa/../a', 'x', 'root: token='), ['rule-2 attempted medium', 'rule-2 succeeded medium']);
  t.same(both('/oa/../a', 'x', 'root:'), ['rule-2 attempted medium', 'rule-1 succeeded medium']);
  t.same(both('/oa/../a', 'harmless', 'nothing'), ['rule-1 attempted medium']);
  t.same(both('/b/../a', 'x', 'root:'), ['rule-1 attempted medium', 'rule-1 succeeded medium']);
  t.end();
});
