import { LDAP_RESULTS } from '../../app/directory/ldap-results.js';
import type { BufferName } from '../buffers.js';
import type { Draftsman } from './compile.js';
import { comparison, type Compare } from './packet-keywords.js';
import type { Option } from './syntax.js';

type Keyword = (d: Draftsman, o: Option) => void;

interface NumberKeyword {
  readonly buffer: BufferName;
  /** Names that rules may write for values, in lower case. */
  readonly names?: Readonly<Record<string, number>>;
  /** Bits by name, after commas, `!` in front of those that must be clear. */
  readonly bits?: Readonly<Record<string, number>>;
}

const named = (...list: string[]): Record<string, number> => Object.fromEntries(list.map((name, i) => [name, i]).filter(([name]) => name !== ''));
const YES_NO = { yes: 1, no: 0, true: 1, false: 0, on: 1, off: 0 };

const DNS_TYPES: Record<string, number> = {
  a: 1, ns: 2, md: 3, mf: 4, cname: 5, soa: 6, mb: 7, mg: 8, mr: 9, null: 10, wks: 11, ptr: 12, hinfo: 13, minfo: 14, mx: 15, txt: 16, rp: 17, afsdb: 18, x25: 19, isdn: 20, rt: 21, nsap: 22,
  sig: 24, key: 25, px: 26, gpos: 27, aaaa: 28, loc: 29, nxt: 30, srv: 33, atma: 34, naptr: 35, kx: 36, cert: 37, a6: 38, dname: 39, opt: 41, apl: 42, ds: 43, sshfp: 44, ipseckey: 45, rrsig: 46,
  nsec: 47, dnskey: 48, dhcid: 49, nsec3: 50, nsec3param: 51, tlsa: 52, hip: 55, cds: 59, cdnskey: 60, openpgpkey: 61, svcb: 64, https: 65, spf: 99, tkey: 249, tsig: 250, ixfr: 251, axfr: 252,
  mailb: 253, maila: 254, any: 255, uri: 256,
};
const LDAP_OPERATIONS = {
  bind_request: 0, bind_response: 1, unbind_request: 2, search_request: 3, search_result_entry: 4, search_result_done: 5, modify_request: 6, modify_response: 7, add_request: 8, add_response: 9,
  del_request: 10, del_response: 11, mod_dn_request: 12, mod_dn_response: 13, compare_request: 14, compare_response: 15, abandon_request: 16, search_result_reference: 19, extended_request: 23,
  extended_response: 24, intermediate_response: 25,
};
const inverted = (of: Readonly<Record<number, string>>): Record<string, number> => Object.fromEntries(Object.entries(of).map(([n, name]) => [name, Number(n)]));

const NUMBERS: Readonly<Record<string, NumberKeyword>> = {
  'dns.opcode': { buffer: 'dns.opcode', names: { query: 0, iquery: 1, status: 2, notify: 4, update: 5, dso: 6 } },
  'dns.rcode': { buffer: 'dns.rcode', names: named('noerror', 'formerr', 'servfail', 'nxdomain', 'notimp', 'refused', 'yxdomain', 'yxrrset', 'nxrrset', 'notauth', 'notzone') },
  'dns.rrtype': { buffer: 'dns.rrtype', names: DNS_TYPES },
  krb5_msg_type: {
    buffer: 'krb5_msg_type', names: { as_req: 10, as_rep: 11, tgs_req: 12, tgs_rep: 13, ap_req: 14, ap_rep: 15, krb_safe: 20, krb_priv: 21, krb_cred: 22, krb_error: 30 },
  },
  krb5_err_code: { buffer: 'krb5_err_code' },
  'snmp.version': { buffer: 'snmp.version' },
  'snmp.pdu_type': {
    buffer: 'snmp.pdu_type', names: { ...named('get_request', 'get_next_request', 'response', 'set_request', 'trap_v1', 'get_bulk_request', 'inform_request', 'trap_v2', 'report') },
  },
  'rfb.sectype': { buffer: 'rfb.sectype' },
  'rfb.secresult': { buffer: 'rfb.secresult', names: { ok: 0, fail: 1, toomany: 2, unknown: 3 } },
  'mqtt.type': {
    buffer: 'mqtt.type',
    names: named('unassigned', 'connect', 'connack', 'publish', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'subscribe', 'suback', 'unsubscribe', 'unsuback', 'pingreq', 'pingresp', 'disconnect', 'auth'),
  },
  'mqtt.qos': { buffer: 'mqtt.qos' },
  'mqtt.protocol_version': { buffer: 'mqtt.protocol_version' },
  'mqtt.reason_code': { buffer: 'mqtt.reason_code' },
  'mqtt.connack.return_code': { buffer: 'mqtt.reason_code' },
  'mqtt.connack.session_present': { buffer: 'mqtt.connack.session_present', names: YES_NO },
  'mqtt.flags': { buffer: 'mqtt.flags', bits: { retain: 1, dup: 8 } },
  'mqtt.connect.flags': { buffer: 'mqtt.connect.flags', bits: { clean_session: 2, will: 4, will_retain: 32, password: 64, username: 128 } },
  'http2.frametype': { buffer: 'http2.frametype', names: named('data', 'headers', 'priority', 'rststream', 'settings', 'pushpromise', 'ping', 'goaway', 'windowupdate', 'continuation') },
  'http2.errorcode': {
    buffer: 'http2.errorcode',
    names: {
      no_error: 0, protocol_error: 1, internal_error: 2, flow_control_error: 3, settings_timeout: 4, stream_closed: 5, frame_size_error: 6, refused_stream: 7, cancel: 8, compression_error: 9,
      connect_error: 10, enhance_your_calm: 11, inadequate_security: 12, http_1_1_required: 13,
    },
  },
  'http2.window': { buffer: 'http2.window' },
  'ike.exchtype': { buffer: 'ike.exchtype' },
  'ike.key_exchange_payload_length': { buffer: 'ike.key_exchange_payload_length' },
  'ike.nonce_payload_length': { buffer: 'ike.nonce_payload_length' },
  'websocket.opcode': { buffer: 'websocket.opcode', names: { continuation: 0, text: 1, binary: 2, connection_close: 8, ping: 9, pong: 10 } },
  'websocket.mask': { buffer: 'websocket.mask' },
  'websocket.flags': { buffer: 'websocket.flags', bits: { fin: 128, comp: 64 } },
  'dhcp.leasetime': { buffer: 'dhcp.leasetime' }, 'dhcp.rebinding_time': { buffer: 'dhcp.rebinding_time' }, 'dhcp.renewal_time': { buffer: 'dhcp.renewal_time' },
  'smb.version': { buffer: 'smb.version' },
  'ftp.dynamic_port': { buffer: 'ftp.dynamic_port' },
  'ftp.mode': { buffer: 'ftp.mode', names: { active: 1, passive: 0 } },
  'ftp.reply_received': { buffer: 'ftp.reply_received', names: YES_NO },
  'ldap.request.operation': { buffer: 'ldap.request.opcode', names: LDAP_OPERATIONS },
  'ldap.responses.operation': { buffer: 'ldap.responses.opcode', names: LDAP_OPERATIONS },
  'ldap.responses.result_code': { buffer: 'ldap.responses.result_code', names: inverted(LDAP_RESULTS) },
  'ldap.responses.count': { buffer: 'ldap.responses.count' },
};

/** A value by its name or number, and which of several must have it: `NAME,0`, `>3,all`, `!2`. */
function compare(d: Draftsman, o: Option, text: string, names: NumberKeyword['names']): { c: Compare; negated: boolean; nth: number | 'all' | undefined } {
  const [value = '', place, ...rest] = text.split(',').map((s) => s.trim());
  const m = /^(!?)\s*([A-Za-z][\w.-]*)$/.exec(value);
  const number = m && names && Object.hasOwn(names, m[2]!.toLowerCase()) ? names[m[2]!.toLowerCase()] : undefined;
  const c = number === undefined ? comparison(value) : { compare: '=' as const, value: number, high: 0, negated: false };
  if (!c) throw d.unsupported(o, names ? `'${value}' is neither a number, a comparison, nor one of ${Object.keys(names).slice(0, 6).join(', ')}…` : `'${value}' is no comparison with a number`);
  if (rest.length > 0 || (place !== undefined && !/^(?:any|all|-?\d+)$/.test(place))) throw d.unsupported(o, `'${[place, ...rest].join(',')}' is no place among several values`);
  return { c, negated: number !== undefined && m![1] === '!', nth: place === undefined || place === 'any' ? undefined : place === 'all' ? 'all' : Number(place) };
}

function bitsOf(d: Draftsman, o: Option, bits: Readonly<Record<string, number>>): void {
  const text = (o.value ?? '').trim();
  if (/^(?:0x[0-9a-f]+|[<>=!&]*\d+)/i.test(text)) {
    const c = comparison(text);
    if (!c) throw d.wrong(o, `'${text}' is no comparison with a number`);
    d.ask(bitsBuffer(o), { kind: 'number', ...c });
    return;
  }
  let set = 0;
  let clear = 0;
  for (const word of text.split(',').map((w) => w.trim().toLowerCase())) {
    const bit = bits[word.replace(/^!\s*/, '')];
    if (bit === undefined) throw d.wrong(o, `'${word}' is none of ${Object.keys(bits).join(', ')}`);
    if (word.startsWith('!')) clear |= bit;
    else set |= bit;
  }
  d.askAll(bitsBuffer(o), [...(set === 0 ? [] : [{ kind: 'number-bits' as const, mask: set, value: set }]), ...(clear === 0 ? [] : [{ kind: 'number-bits' as const, mask: clear, value: 0 }])]);
}
const bitsBuffer = (o: Option): BufferName => NUMBERS[o.keyword]!.buffer;

/** Keywords that compare a number which a parser has read. */
export const NUMBER_KEYWORDS: Record<string, Keyword> = {};
for (const [keyword, { names, bits, buffer }] of Object.entries(NUMBERS)) {
  NUMBER_KEYWORDS[keyword] = (d, o) => {
    if (bits) return bitsOf(d, o, bits);
    const { c, negated, nth } = compare(d, o, o.value ?? '', names);
    d.ask(buffer, { kind: 'number', ...c, negated: negated !== c.negated }, nth);
  };
}

const SSL_VERSIONS: Record<string, number> = { sslv2: 0x0002, sslv3: 0x0300, 'tls1.0': 0x0301, 'tls1.1': 0x0302, 'tls1.2': 0x0303, 'tls1.3': 0x0304 };
/** `ssl_version:tls1.0,tls1.1`, `ssl_version:!tls1.2`: one negation is for all. */
NUMBER_KEYWORDS['ssl_version'] = (d, o) => {
  const words = (o.value ?? '').split(',').map((w) => w.trim().toLowerCase());
  const negated = words.some((w) => w.startsWith('!'));
  const versions = words.map((w) => SSL_VERSIONS[w.replace(/^!\s*/, '')]);
  if (versions.some((v) => v === undefined)) throw d.wrong(o, `names none of ${Object.keys(SSL_VERSIONS).join(', ')}`);
  d.ask('tls.version', { kind: 'number-in', ranges: versions.map((v) => [v!, v!] as const), negated });
};

/** `ike.chosen_sa_attribute:alg_hash=2`. */
NUMBER_KEYWORDS['ike.chosen_sa_attribute'] = (d, o) => {
  const m = /^(alg_enc|alg_hash|alg_auth|alg_dh|alg_prf|sa_group_type|sa_life_type|sa_life_duration|sa_key_length|sa_field_size)\s*(.+)$/.exec((o.value ?? '').trim());
  const c = m ? comparison(m[2]) : undefined;
  if (!m || !c || c.compare !== '=') throw d.unsupported(o, 'wants the name of an attribute, = and a number');
  const bytes = new TextEncoder().encode(`${m[1]}=${c.value}`);
  d.ask('ike.chosen_sa_attribute', { kind: 'content', bytes, nocase: false, negated: false, starts: true, ends: true, offset: undefined, depth: undefined, distance: undefined, within: undefined, fast: 'no', fastPart: undefined });
};
