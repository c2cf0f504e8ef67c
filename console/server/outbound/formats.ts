import { isIP } from 'node:net';
import { SEVERITIES, type Severity } from '../../../contracts/classes.js';
import type { ChannelEvent } from '../../model/channel.js';

/** What is told to others: one JSON object, whatever the channel makes of it. */
export interface Message {
  event: ChannelEvent;
  at: string;
  id: string;
  severity: Severity;
  title: { zh: string; en: string };
  /** Flat facts, in order of importance. */
  facts: Record<string, string | number>;
  /** For alerts: EVE as it came. */
  eve?: unknown;
  /** For mails: files of the console to attach. */
  attachments?: { name: string; type: string; sha256: string }[];
}

// RFC 5424, section 6.2.1: facility 13 (log audit) times eight plus the severity.
const FACILITY = 13;
const SYSLOG_SEVERITY: Record<Severity, number> = { critical: 2, high: 3, medium: 4, low: 5, info: 6 };
const CEF_SEVERITY: Record<Severity, number> = { critical: 10, high: 8, medium: 5, low: 3, info: 1 };
const oneLine = (text: string): string => text.replace(/[\p{C}\u2028\u2029]+/gu, ' ');
// Cut first: an escape that loses its second half would take the mark behind it along.
const cut = (text: string, max: number): string => oneLine(text).slice(0, max).replace(/[\ud800-\udbff]$/, '');
const sdValue = (text: string): string => cut(text, 1024).replace(/["\\\]]/g, (c) => `\\${c}`);
// 32473 is the number for examples (RFC 5612); private parameters need some enterprise number.
const SD_ID = 'shouwang@32473';

function header(m: Message, host: string): string {
  return `<${FACILITY * 8 + SYSLOG_SEVERITY[m.severity]}>1 ${m.at} ${oneLine(host).replace(/[^\x21-\x7e]/g, '_').slice(0, 255) || '-'} shouwang - ${m.event}`;
}
/** RFC 5424, text in UTF-8 with its mark. */
export function syslogLine(m: Message, host: string, lang: 'zh' | 'en'): string {
  const parameters = Object.entries({ id: m.id, severity: m.severity, ...m.facts }).map(([k, v]) => `${k.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 32)}="${sdValue(String(v))}"`);
  return `${header(m, host)} [${SD_ID} ${parameters.join(' ')}] \ufeff${oneLine(m.title[lang])}`;
}

const cefHead = (text: string): string => cut(text, 512).replace(/[\\|]/g, (c) => `\\${c}`);
const cefValue = (text: string): string => cut(text, 1023).replace(/[\\=]/g, (c) => `\\${c}`);
// `src` and `dst` are IPv4 addresses; others have fields of their own, which say by a label what they are.
const CEF_ADDRESSES: Record<string, [string, string, string]> = { attacker: ['src', 'c6a2', 'Source IPv6 Address'], victim: ['dst', 'c6a3', 'Destination IPv6 Address'] };
const CEF_KEYS: Record<string, string> = { attackerPort: 'spt', victimPort: 'dpt', protocol: 'proto', application: 'app', count: 'cnt', class: 'cat', node: 'dvchost' };
/** ArcSight's Common Event Format in a syslog header. */
export function cefLine(m: Message, host: string, lang: 'zh' | 'en', version: string): string {
  let custom = 0;
  const extension = Object.entries(m.facts).flatMap(([k, v]) => {
    const address = CEF_ADDRESSES[k];
    if (address && isIP(String(v)) === 4) return [`${address[0]}=${v}`];
    if (address && isIP(String(v)) === 6) return [`${address[1]}Label=${address[2]}`, `${address[1]}=${v}`];
    const key = CEF_KEYS[k];
    if (key) return [`${key}=${cefValue(String(v))}`];
    if (++custom > 6) return [];
    return [`cs${custom}Label=${cefValue(k)}`, `cs${custom}=${cefValue(String(v))}`];
  });
  return `${header(m, host)} - CEF:0|Shouwang|Console|${cefHead(version)}|${cefHead(String(m.facts.rule ?? m.event))}|${cefHead(m.title[lang])}|${CEF_SEVERITY[m.severity]}|externalId=${cefValue(m.id)} rt=${Date.parse(m.at)} ${extension.join(' ')}`;
}
/** A mail: subject and plain text, so that nothing captured is markup. */
export function mailOf(m: Message, lang: 'zh' | 'en'): { subject: string; text: string } {
  return { subject: `[${m.severity}] ${oneLine(m.title[lang])}`.slice(0, 200), text: [oneLine(m.title[lang]), '', ...Object.entries({ id: m.id, at: m.at, ...m.facts }).map(([k, v]) => `${k}: ${oneLine(String(v))}`)].join('\n') };
}
/** A line of an EVE file: an alert as it came; everything else in EVE's outer shape, so that what reads EVE knows what it is. */
export const eveLine = (m: Message): string => JSON.stringify(m.eve ?? {
  timestamp: m.at, event_type: m.event, ...(m.facts.attacker === undefined ? {} : { src_ip: m.facts.attacker, dest_ip: m.facts.victim }),
  ...(m.event === 'alert' ? { alert: { signature: m.title.en, category: m.facts.class, severity: 1 + Math.max(0, 3 - SEVERITIES.indexOf(m.severity)) } } : {}), shouwang: m,
});
export const worst = (a: number): Severity => SEVERITIES[a] ?? 'info';
