import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { analyzeCaptures } from '../../../cli/analysis.js';
import { loadPack } from '../../../cli/pack.js';
import type { Alert } from '../../../contracts/alert.js';
import type { EveEvent } from '../../../contracts/event.js';
import type { StoredFile } from '../../packet-stage-store.js';
import { APP_EVENTS } from './known-events.js';
import { CARRIERS } from '../../evasion/carriers.js';
import { readFrames } from '../../evasion/frame.js';
import { SEGMENT_VARIANTS } from '../../evasion/segments.js';
import { loadRules } from '../load.js';
import type { ReputationFiles } from './reputation.js';

const folder = mkdtempSync(join(tmpdir(), 'suricata-rules-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string) => Buffer.from(text, 'latin1');
let files = 0;

/** An IPv4 packet of `protocol` between 10.0.0.1 and 10.0.0.2. */
function ip(fromClient: boolean, protocol: number, body: Buffer, ttl = 64): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + body.length, 2);
  header[8] = ttl;
  header[9] = protocol;
  header.set(fromClient ? [10, 0, 0, 1, 10, 0, 0, 2] : [10, 0, 0, 2, 10, 0, 0, 1], 12);
  return Buffer.concat([Buffer.alloc(12), Buffer.from([8, 0]), header, body]);
}

function udp(fromClient: boolean, payload: Buffer, port = 5000): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(fromClient ? 4000 : port, 0);
  header.writeUInt16BE(fromClient ? port : 4000, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return ip(fromClient, 17, Buffer.concat([header, payload]));
}

/** A TCP connection with handshake; each entry is one segment of a side. */
function tcp(segments: ['c' | 's', string][], port = 80): Buffer[] {
  const next = { c: 1000, s: 5000 };
  const one = (side: 'c' | 's', flags: number, payload: Buffer): Buffer => {
    const header = Buffer.alloc(20);
    header.writeUInt16BE(side === 'c' ? 4000 : port, 0);
    header.writeUInt16BE(side === 'c' ? port : 4000, 2);
    header.writeUInt32BE(next[side], 4);
    if (flags !== 2) header.writeUInt32BE(next[side === 'c' ? 's' : 'c'], 8);
    header[12] = 0x50;
    header[13] = flags;
    header.writeUInt16BE(65535, 14);
    next[side] += payload.length + (flags & 3 ? 1 : 0);
    return ip(side === 'c', 6, Buffer.concat([header, payload]));
  };
  const none = Buffer.alloc(0);
  return [one('c', 2, none), one('s', 0x12, none), one('c', 0x10, none), ...segments.map(([side, text]) => one(side, 0x18, bytes(text))), one('c', 0x11, none), one('s', 0x11, none), one('c', 0x10, none)];
}

interface More { reputation?: ReputationFiles; events?: (e: EveEvent) => void; file?: (f: StoredFile) => void }

async function alertsOf(rules: string, packets: Buffer[], more: More = {}): Promise<Alert[]> {
  const name = join(folder, String(files++));
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65535, 16);
  head.writeUInt32LE(1, 20);
  const records = packets.map((p, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_700_000_000 + i, 0);
    record.writeUInt32LE(p.length, 8);
    record.writeUInt32LE(p.length, 12);
    return Buffer.concat([record, p]);
  });
  writeFileSync(`${name}.pcap`, Buffer.concat([head, ...records]));
  writeFileSync(`${name}.rules`, rules);
  const alerts: Alert[] = [];
  await analyzeCaptures([`${name}.pcap`], { rules: [], pack: loadPack([`${name}.rules`], more.reputation ? { reputation: more.reputation } : {}), events: new Set(['packet', 'fileinfo']) }, {
    alert: (a) => void alerts.push(a), warn: () => {}, ...(more.events && { event: more.events }), ...(more.file && { file: more.file }),
  });
  return alerts;
}

/** Alerts as `sid@packet`. */
async function hits(rules: string, packets: Buffer[], more: More = {}): Promise<string> {
  return (await alertsOf(rules, packets, more)).map((a) => `${a.alert.signature_id}@${a.pcap_cnt ?? '-'}`).join(' ');
}

/** Sids of rules `alert udp … (<options>)` that match one datagram. */
async function matching(options: string[], payload: string): Promise<number[]> {
  const rules = options.map((o, i) => `alert udp any any -> any any (msg:"r"; ${o} sid:${i + 1};)`).join('\n');
  return (await alertsOf(rules, [udp(true, bytes(payload))])).map((a) => a.alert.signature_id).sort((a, b) => a - b);
}

await t.test('contents and what they are relative to', async (t) => {
  t.same(await matching([
    'content:"abc"; content:"def"; distance:1; within:4;', // "abc" at 0, "def" at 4
    'content:"abc"; content:"def"; distance:2;',
    'content:"ABC"; nocase; startswith;',
    'content:"xyz"; endswith;',
    'content:"def"; endswith;',
    'content:"abc"; offset:1;',
    'content:"def"; offset:4; depth:3;',
    'content:!"qqq"; content:"abc";',
    'content:"|61 62|c|2D|d";',
    'content:"a"; content:"f"; distance:0; content:!"-"; within:1;', // after "f" comes "-"
    'dsize:11; content:"abc";',
    'content:"abc"; isdataat:7,relative;',
    'content:"abc"; isdataat:9,relative;',
    'content:"abc"; isdataat:!9,relative;',
  ], 'abc-def-xyz'), [1, 3, 4, 7, 8, 9, 11, 12, 14]);
  t.same(await matching(['content:"ab"; content:"c"; distance:0; within:1;'], 'ab-abc'), [1], 'the first content moves on when the second does not follow');
});

await t.test('contents in several segments of a stream', async (t) => {
  const rules = (options: string[]) => options.map((o, i) => `alert tcp any any -> any any (msg:"r"; flow:established; ${o} sid:${i + 1};)`).join('\n');
  const split = tcp([['c', 'login RETR aa'], ['c', 'aaaaaaaaaaaaaaaaaaaa'], ['c', ' then more']]);
  t.equal(await hits(rules([
    'content:"RETR"; isdataat:20,relative;', // holds with the second segment, in which no text of it lies
    'content:"RETR"; content:" then"; distance:20;',
    'content:"RETR"; content:!"aaaaaaaa"; content:"then"; distance:0;',
    'content:"RETR"; pcre:"/a{22} t/R";',
  ]), split), '1@5 2@6 4@6');
  const twice = tcp([['c', 'user root'], ['s', 'uid=0(root) gid=0(root)'], ['c', 'again'], ['s', 'uid=0(root) gid=0(root)'], ['s', 'nothing']]);
  t.equal(await hits(rules(['content:"uid="; content:"gid="; distance:0;']), twice), '1@5 1@7', 'each time it is there, and no more');
  const notices = tcp([['c', 'USER a'], ['s', 'NOTICE AUTH Looking up abc'], ['s', 'def NOTICE AUTH Found abc'], ['s', 'def NOTICE AUTH Looking up']]);
  t.equal(await hits(rules(['content:"NOTICE"; content:"Looking";', 'content:"abcdef";']), notices), '1@5 2@6 1@7 2@7', 'no byte makes a rule alert twice');
  // The second message of the client, cut in two: its beginning is the place that offset and depth count from.
  const message = tcp([['c', 'first'], ['s', 'ok'], ['c', 'SM'], ['c', 'B--name--x']]);
  t.equal(await hits(rules(['content:"SMB"; depth:4; content:"name"; distance:0;', 'content:"name"; offset:2; depth:4;']), message), '1@7');
  const whole = tcp([['c', 'first'], ['s', 'ok'], ['c', 'SMB--name--'], ['c', 'more of it']]);
  t.equal(await hits(rules(['content:"SMB"; depth:4; content:"name"; distance:0;']), whole), '1@6', 'its packet has told it');
});

await t.test('numbers in the bytes', async (t) => {
  // 00 05 | hello | 12 | zz
  const payload = '\x00\x05hello12zz';
  t.same(await matching([
    'content:"|00|"; byte_test:2,=,5,0;',
    'byte_test:2,=,1280,0,little; content:"hello";',
    'content:"hello"; byte_test:2,>,11,0,relative,string,dec;',
    'content:"|00 05|"; byte_jump:2,0; content:"12"; distance:0; within:2;',
    'byte_extract:2,0,len; content:"hello"; offset:2; depth:len;',
    'byte_extract:2,0,len; content:"hello"; offset:3; depth:len;',
    'byte_math:bytes 2, offset 0, oper +, rvalue 4, result end; content:"zz"; offset:end;',
    'byte_math:bytes 2, offset 0, oper +, rvalue 5, result end; content:"zz"; offset:end; isdataat:1;',
    'content:"hello"; byte_test:1,&,1,-7,relative;', // the byte is 0
    'content:"hello"; byte_test:1,=,5,-6,relative;',
    'byte_test:0,=,12,7,string,dec;', // as many digits as there are
  ], payload), [1, 2, 3, 4, 5, 7, 10, 11]);
});

await t.test('expressions and base64', async (t) => {
  t.same(await matching([
    'pcre:"/^GET\\s+(?!index)\\w+/i";',
    'content:"get"; pcre:"/^\\s+page/R";',
    'content:"get"; pcre:"/^page/R";',
    'pcre:"/(\\w)\\1=/";', // back reference: "ee="
    'pcre:!"/page/";',
    'content:"ee="; base64_decode:bytes 8, offset 0, relative; base64_data; content:"secret";',
    'content:"ee="; base64_decode:bytes 8, offset 0, relative; base64_data; content:"public";',
  ], 'get page ee=c2VjcmV0'), [1, 2, 4, 6]);
});

await t.test('HTTP buffers, old and new, transforms and transactions', async (t) => {
  const request = 'POST /a%62c?x=1 HTTP/1.1\r\nHost: Example.com\r\nUser-Agent: curl/7\r\nContent-Length: 7\r\n\r\nq=1%2b2';
  const answer = 'HTTP/1.1 200 OK\r\nServer: test\r\nContent-Length: 6\r\n\r\n<html>';
  const rules = [
    'http.uri; content:"/abc"; startswith;', 'content:"/a%62c"; http_raw_uri;', 'http.method; content:"POST"; bsize:4;', 'http.host; content:"example.com";',
    'content:"curl"; http_user_agent; content:"7"; http_user_agent; distance:1;', 'http.request_body; url_decode; content:"1+2";', 'http.request_body; to_md5; content:"nothing";',
    'urilen:10;', 'http.stat_code; content:"200"; http.server; content:"test";', 'file.data; content:"<html>";', 'http.uri; content:!"/zzz";', 'http.cookie; content:!"x";',
  ].map((o, i) => `alert http any any -> any any (${o} sid:${i + 1};)`).join('\n');
  t.equal(await hits(rules, tcp([['c', request], ['s', answer]])), '1@4 2@4 3@4 4@4 5@4 6@4 8@4 11@4 9@5 10@5');
});

await t.test('flow, direction, flow bits and their order', async (t) => {
  const rules = `
    alert tcp any any -> any any (msg:"asks"; content:"two"; flowbits:isset,one; sid:1;)
    alert tcp any any -> any any (msg:"sets"; content:"one"; flowbits:set,one; flowbits:noalert; sid:2;)
    alert tcp any any -> any 80 (content:"one"; flow:to_server,established; sid:3;)
    alert tcp any 80 -> any any (content:"one"; sid:4;)
    alert tcp any any -> any any (flags:S; sid:5;)
    alert tcp any any <> any 80 (content:"two"; sid:6;)
    alert tcp any any -> any any (content:"one"; flowint:n,+,1; noalert; sid:7;)
    alert tcp any any -> any any (content:"two"; flowint:n,=,1; noalert; sid:8;)`;
  t.equal(await hits(rules, tcp([['c', 'one'], ['s', 'two']])), '5@1 3@4 1@5 6@5');
  t.equal(await hits('alert tcp any any -> any any (content:"abcdef"; sid:1;)', tcp([['c', 'abc'], ['c', 'def'], ['c', 'ghi']])), '1@5', 'across segments, with the one that brings the last byte, once');
  t.equal(await hits('alert tcp-pkt any any -> any any (content:"abcdef"; sid:1;)\nalert tcp any any -> any any (content:"abcdef"; flow:no_stream; sid:2;)', tcp([['c', 'abc'], ['c', 'def']])), '', 'not across packets');
});

await t.test('pass, drop, thresholds', async (t) => {
  const datagrams = Array.from({ length: 6 }, () => udp(true, bytes('bad')));
  t.equal(await hits('alert udp any any -> any any (content:"bad"; sid:1;)\npass udp any any -> any any (content:"bad"; sid:2;)', datagrams), '', 'pass comes before alert');
  t.equal(await hits('alert udp any any -> any any (content:"bad"; threshold:type limit, track by_src, count 2, seconds 60; sid:1;)', datagrams), '1@1 1@2');
  t.equal(await hits('alert udp any any -> any any (content:"bad"; threshold:type threshold, track by_dst, count 3, seconds 60; sid:1;)', datagrams), '1@3 1@6');
  t.equal(await hits('alert udp any any -> any any (content:"bad"; threshold:type both, track by_rule, count 4, seconds 60; sid:1;)', datagrams), '1@4');
  t.equal(await hits('alert udp any any -> any any (content:"bad"; detection_filter:track by_src, count 4, seconds 60; sid:1;)', datagrams), '1@5 1@6');
  const [drop] = await alertsOf('drop udp any any -> any any (msg:"no"; content:"bad"; classtype:trojan-activity; metadata:tag a, tag b; gid:7; rev:3; sid:9;)', datagrams.slice(0, 1));
  t.match(drop?.alert, { action: 'blocked', gid: 7, signature_id: 9, rev: 3, signature: 'no', category: 'A Network Trojan was detected', severity: 1, metadata: { tag: ['a', 'b'] } });
  t.match(drop, { payload: Buffer.from('bad').toString('base64'), payload_printable: 'bad', direction: 'to_server', proto: 'UDP' });
});

await t.test('addresses and ports', async (t) => {
  const rules = `
    alert udp $HOME_NET any -> $HOME_NET 5000 (content:"x"; sid:1;)
    alert udp $EXTERNAL_NET any -> any any (content:"x"; sid:2;)
    alert udp [10.0.0.0/24,!10.0.0.1] any -> any any (content:"x"; sid:3;)
    alert udp any ![1:3999] -> any [5000,6000:] (content:"x"; sid:4;)
    alert ip any any -> 10.0.0.2 any (sid:5;)
    alert ip any any -> any any (ip_proto:udp; ttl:>63; content:"x"; sid:6;)`;
  t.equal(await hits(rules, [udp(true, bytes('x')), udp(true, bytes('x'))]), '1@1 4@1 5@1 6@1 1@2 4@2 6@2', 'a rule on addresses alone is asked once a direction');
  const inside = udp(true, bytes('x')).subarray(14);
  inside.set([192, 168, 7, 7, 192, 168, 7, 8], 12);
  const tunnelled = ip(true, 47, Buffer.concat([Buffer.from([0, 0, 8, 0]), inside]));
  const ends = 'alert ip 10.0.0.1 any -> any any (sid:1;)\nalert ip 192.168.7.7 any -> any any (sid:2;)\nalert ip any any -> 10.0.0.1 any (sid:3;)';
  t.equal(await hits(ends, [tunnelled, tunnelled]), '1@1 2@1', 'the ends of a tunnel, too');
});

await t.test('an ICMP error belongs to the flow that it quotes', async (t) => {
  const sent = udp(true, bytes('x'));
  const error = ip(false, 1, Buffer.concat([Buffer.from([3, 3, 0, 0, 0, 0, 0, 0]), sent.subarray(14, 42)]));
  const [data, unreachable] = await alertsOf('alert udp any any -> any any (content:"x"; sid:1;)\nalert icmp any any -> any any (itype:3; sid:2;)', [sent, error]);
  t.match(unreachable, { src_ip: '10.0.0.2', dest_ip: '10.0.0.1', proto: 'ICMP', icmp_type: 3, icmp_code: 3, flow_id: data!.flow_id!, community_id: data!.community_id!, flow: { dest_port: 5000 } });
});

await t.test('what is not right is named', (t) => {
  const load = (rule: string, skipUnsupported = false) => {
    const file = join(folder, `${files++}.rules`);
    writeFileSync(file, `# comment\nalert udp any any -> any any (content:"ok"; sid:1;)\n${rule}\n`);
    return loadRules([file], { skipUnsupported });
  };
  const refused = load('alert udp any any -> any any (content:"x"; asn1:double_overflow; sid:77;)');
  t.equal(refused.errors.length, 1);
  t.match(refused.errors[0]?.message, /\.rules:3:\d+: sid 77: 'asn1' is not supported/);
  t.match(load('alert udp any any -> any any (content:"x"; asn1:double_overflow; sid:77;)', true), { errors: [], suricata: { loaded: 1, unsupported: 1, wrong: 0, keywords: { asn1: 1 } } });
  for (const [rule, why] of [
    ['alert udp any any -> any any (content:"abc"; depth:2; sid:2;)', /depth 2 is less/], ['alert udp any any -> any any (nocase; sid:2;)', /follows no content/],
    ['alert udp $NOWHERE any -> any any (content:"x"; sid:2;)', /NOWHERE is not defined/], ['alert udp any any -> any any (pcre:"/(/"; sid:2;)', /never closed/],
    ['alert udp any any -> any any (content:"x"; byte_jump:2,nothing; sid:2;)', /'nothing'/], ['alert http any any -> any any (flow:to_client; http.uri; content:"x"; sid:2;)', /direction/],
    ['alert udp any any -> any any (content:"x";)', /no sid/], ['alert foo any any -> any any (sid:2;)', /'foo' is not supported/],
  ] as const) t.match(load(rule).errors[0]?.message, why, rule);
  t.end();
});

await t.test('reputation of addresses', async (t) => {
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const reputation = { categories: write('categories.txt', '# of hosts\n1,CnC,control\n2,Tor,exits\n'), files: [write('a.list', 'ip,category,score\n10.0.0.1,1,80\n10.0.0.0/24,1,20\n10.0.0.2,2,100\n')] };
  const rules = ['src,CnC,>,50', 'dst,CnC,>,50', 'dst,CnC,=,20', 'both,CnC,>,10', 'any,Tor,isset', 'src,Tor,isset', 'src,tor,isnotset', 'both,Tor,isset', 'src,CnC,<,50']
    .map((o, i) => `alert ip any any -> any any (iprep:${o}; sid:${i + 1};)`).join('\n');
  t.equal(await hits(rules, [udp(true, bytes('x'))], { reputation }), '1@1 3@1 4@1 5@1 7@1', 'an address before its network');
  await t.rejects(alertsOf('alert ip any any -> any any (iprep:src,None,>,1; sid:1;)', [], { reputation }), /None/);
  await t.rejects(alertsOf('alert ip any any -> any any (iprep:src,CnC,>,1; sid:1;)', []), /no reputation lists are configured/);
});

await t.test('what a match does beside alerting', async (t) => {
  const seen: EveEvent[] = [];
  const stored: StoredFile[] = [];
  const more = { events: (e: EveEvent) => void seen.push(e), file: (f: StoredFile) => void stored.push(f) };
  const datagrams = Array.from({ length: 5 }, (_, i) => udp(true, bytes(`m${i}`)));
  await alertsOf('alert udp any any -> any any (content:"m1"; tag:session,3,packets; sid:1;)', datagrams, more);
  t.same(seen.map((e) => [e.event_type, e.pcap_cnt]), [['packet', 3], ['packet', 4]], 'the packet of the alert is the first of three');
  t.match(seen[0], { tag: { signature_id: 1 }, packet: Buffer.from(datagrams[2]!).toString('base64') });
  seen.length = 0;
  const answer = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  await alertsOf('alert http any any -> any any (file.data; content:"evil"; filestore; sid:1;)', tcp([['c', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'], ['s', answer('an evil file')], ['c', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'], ['s', answer('a good one')]]), more);
  t.same(stored.map((f) => Buffer.from(f.bytes).toString()), ['an evil file']);
  t.same(seen.map((e) => (e['fileinfo'] as { stored: boolean }).stored), [true, false]);
});

await t.test('anomalies beside contents', async (t) => {
  const request = 'GET /evil HTTP/1.1\r\nHost : h\r\n\r\n'; // blanks behind the name
  const rule = (options: string, sid: number) => `alert http any any -> any any (${options} sid:${sid};)`;
  t.equal(await hits([
    rule('app-layer-event:http.request_invalid_lws_after_name; http.uri; content:"/evil";', 1), rule('app-layer-event:http.request_invalid_lws_after_name; http.uri; content:"/good";', 2),
    rule('app-layer-event:http.response_field_missing_colon; http.uri; content:"/evil";', 3), rule('app-layer-event:http.request_invalid_lws_after_name; content:"evil";', 4), rule('app-layer-event:http.request_invalid_lws_after_name; content:"good";', 5),
  ].join('\n'), tcp([['c', request]])), '1@4 4@4');
});

await t.test('a body and its file are the same bytes: each finds what is its own', async (t) => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\none two three FOUR\x01\x02\x03';
  const rule = (options: string, sid: number) => `alert http any any -> any any (${options} sid:${sid};)`;
  t.equal(await hits([
    rule('http.response_body; content:"one two";', 1), rule('file.data; content:"three";', 2), rule('http.response_body; content:"five";', 3), rule('file.data; content:"five";', 4),
    rule('file.data; to_lowercase; content:"four";', 5), rule('http.response_body; content:"one two"; file.data; content:"FOUR|01 02|";', 6), rule('http.request_body; content:"one two";', 7),
  ].join('\n'), tcp([['c', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'], ['s', answer]])), '1@5 2@5 5@5 6@5');
});

await t.test('a body that was looked through with its stream is not looked through again: what lies across its pieces is found', async (t) => {
  const rules = [
    'alert tcp any any -> any any (flow:established,to_client; content:"in the stream"; sid:1;)', 'alert http any any -> any any (http.response_body; content:"across pieces"; sid:2;)',
    'alert http any any -> any any (file.data; content:"at the end"; endswith; sid:3;)', 'alert http any any -> any any (file.data; content:"not there"; sid:4;)',
    'alert http any any -> any any (http.response_body; content:"Content-Length"; sid:5;)',
  ].join('\n');
  const ask = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
  const plain = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const chunked = (body: string, size: number): string =>
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${(body.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []).map((c) => `${c.length.toString(16)}\r\n${c}\r\n`).join('')}0\r\n\r\n`;
  const filler = 'nothing to see here, '.repeat(12);
  const sids = async (answers: string, cut: number, asks: string): Promise<string> => {
    const pieces = (answers.match(new RegExp(`[^]{1,${cut}}`, 'g')) ?? []).map((text): ['s', string] => ['s', text]);
    return [...new Set((await hits(rules, tcp([['c', asks], ...pieces]))).split(' ').map((hit) => hit.split('@')[0]))].sort().join(' ');
  };
  for (const cut of [1, 7, 50, 64, 100, 1400]) {
    t.equal(await sids(plain(`${filler}across pieces${filler}at the end`), cut, ask), '2 3', `pieces of ${cut}`);
    t.equal(await sids(plain(`${filler}in the stream${filler}`), cut, ask), '1');
    t.equal(await sids(plain(filler) + plain(`${filler}at the end`) + plain(`${filler}across pieces`), cut, ask.repeat(3)), '2 3', 'the second and third of three');
    t.equal(await sids(chunked(`${filler}across pieces${filler}at the end`, 5), cut, ask), '2 3', 'in chunks that no literal fits in');
  }
});

await t.test('what changes nothing is said', (t) => {
  const file = join(folder, 'without.rules');
  writeFileSync(file, 'alert udp any any -> any any (content:"x"; rawbytes; replace:"y"; bypass; logto:"z"; prefilter; sid:5;)\n');
  const { suricata, warnings, errors } = loadRules([file]);
  t.same(errors, []);
  t.same(suricata.withoutEffect, { rawbytes: 1, replace: 1, bypass: 1, logto: 1, prefilter: 1 });
  t.match(warnings[1], { code: 'SW_RULE_WITHOUT_EFFECT', message: /sid 5: 'replace' changes nothing here/, place: { line: 1 } });
  t.end();
});

await t.test('bytes that came with the SYN and come again', async (t) => {
  const frames = SEGMENT_VARIANTS['data on the SYN, sent again']!(readFrames(readFileSync('rules/web/path-traversal/passwd.pcap')), () => 0);
  const packets = CARRIERS['ethernet']!(frames, () => 0).packets.map((p) => Buffer.from(p.bytes));
  const sids = (await alertsOf('alert http any any -> any any (flow:to_server,established; http.uri; content:"/etc/passwd"; sid:1;)', packets)).map((a) => a.alert.signature_id);
  t.ok(sids.includes(1));
});

await t.test('what is absent', async (t) => {
  const rules = ['http.referer; absent;', 'http.referer; absent:or_else; content:"x";', 'http.user_agent; absent;', 'http.user_agent; absent:or_else; content:"curl";', 'http.user_agent; absent:or_else; content:"wget";']
    .map((o, i) => `alert http any any -> any any (flow:to_server; ${o} sid:${i + 1};)`).join('\n');
  t.equal(await hits(rules, tcp([['c', 'GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: curl\r\n\r\n']])), '1@4 2@4 4@4');
});

await t.test('anomalies that rules may name are those of the parsers', (t) => {
  const names: string[] = [];
  for (const file of readdirSync('analyzer/app', { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    for (const m of readFileSync(`analyzer/app/${file}`, 'utf8').matchAll(/export type \w+Anomaly\s*=([^;]*);/g)) names.push(...[...m[1]!.matchAll(/'([^']+)'/g)].map((n) => n[1]!));
  }
  t.same(Object.values(APP_EVENTS).flat().sort(), names.sort());
  const file = join(folder, 'events.rules');
  writeFileSync(file, 'alert tls any any -> any any (app-layer-event:tls.never_named; sid:1;)\nalert pkthdr any any -> any any (decode-event:ipv4.trunc_pkt; sid:2;)\n');
  t.same(loadRules([file]).suricata.withoutEffect, { 'app-layer-event': 1 });
  t.end();
});
