import type { AlertDetail, AlertRow, IncidentDetail, IncidentRow, TicketDetail } from '../../console/model/api.js';
import { conversation } from '../conversation.js';
import { typedByPeople } from './language.js';
import type { Stage } from './stage.js';

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
/** What an attacker writes who knows that somebody will look: markup, template signs, direction marks, nothing at all, colours of a terminal, half a character. */
const MARKUP = '<script>window.owned=1</script><img src=x onerror=window.owned=1><svg/onload=window.owned=1>"\'><a href=javascript:window.owned=1>{{7*7}}${7*7}';
const HIDING = '\u202egnp.exe\u202c\u2066\u200b\u200f\ufeff\u00ad\u2028\u{e0041}';
const TERMINAL = '\u001b[31m\u001b]0;x\u0007\b\u007f\u0001';
const EVIL = `${utf8(`${MARKUP}${HIDING}مرحبا שלום 😀👩‍👩‍👧 Z${'\u0301'.repeat(60)}`)}${TERMINAL}\xed\xa0\x80\xff\xfe`;
/** Longer than any field should be, without a place to break it. */
const LONG = 'A'.repeat(10_000);
const ATTACKER = '198.51.100.66';

const capture = (): Uint8Array => conversation([
  [true, `POST /upload.action?name=${EVIL.replaceAll(' ', '+')} HTTP/1.1\r\nHost: ${EVIL}\r\nUser-Agent: ${EVIL}\r\nReferer: http://${EVIL}/\r\nCookie: a=${EVIL}; b=${LONG}\r\nX-Forwarded-For: ${EVIL}\r\nX-${LONG}: 1\r\n`
    + `Content-Type: %{(#_memberAccess=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#cmd='${EVIL}').(#p=new java.lang.ProcessBuilder(#cmd))}\r\nContent-Length: ${EVIL.length + 1}\r\n\r\n${EVIL}\0`],
  [false, `HTTP/1.1 200 ${EVIL}\r\nServer: ${EVIL}\r\nContent-Type: text/html; ${EVIL}\r\nContent-Length: ${39 + EVIL.length + LONG.length + 1}\r\n\r\nuid=0(root) gid=0(root) groups=0(root)\n${EVIL}\0${LONG}`],
], { client: [ATTACKER, 45678], server: ['10.101.7.7', 8080] });

/** In the page: what stands there that should not, in texts, attributes and elements. */
export function faults(): string[] {
  const out: string[] = [];
  const hiding = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e0fff}]|\p{Surrogate}/u;
  const told = (text: string): string => JSON.stringify(text.slice(Math.max(0, text.search(hiding) - 30), text.search(hiding) + 20));
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node instanceof Text) {
      if (hiding.test(node.data)) out.push(`text in ${node.parentElement?.className}: ${told(node.data)}`);
      continue;
    }
    const element = node as Element;
    if (element.matches('[onerror], [onload], img[src="x"], a[href^="javascript:" i], script:not([src])')) out.push(`element ${element.outerHTML.slice(0, 120)}`);
    for (const { name, value } of element.attributes) if (hiding.test(value)) out.push(`${element.localName}[${name}]: ${told(value)}`);
  }
  if ('owned' in window) out.push('a script of the attacker ran');
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) out.push(`${scrollWidth - clientWidth} pixels wider than the window`);
  return out;
}

/** Where hostile text stands. */
export interface Planted { alert: string; incident: string; ticket: string; campaign: string; evidence: string[] }

/** Has the worst captured, and pasted by people wherever they can write. */
export async function plant({ appliance, people }: Stage): Promise<Planted> {
  await appliance.feed(capture());
  const alert = await appliance.until<AlertRow>(people.ana, `/api/alerts?ip=${ATTACKER}&verdict=succeeded`, () => true);
  const { id: incident } = await appliance.until<IncidentRow>(people.ana, '/api/incidents', (i) => i.attacker.ip === ATTACKER);
  const get = <T>(path: string): Promise<T> => people.ana.call<T>('GET', path);
  let evidence: { id: string }[] = (await get<AlertDetail>(`/api/alerts/${alert.id}`)).evidence;
  for (let k = 0; k < 100 && evidence.length < 2; k++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    evidence = (await get<AlertDetail>(`/api/alerts/${alert.id}`)).evidence;
  }
  const { campaign } = await get<IncidentDetail>(`/api/incidents/${incident}`);
  // A person pastes what the attacker sent.
  const pasted = `${MARKUP}${HIDING}${TERMINAL}`;
  typedByPeople(pasted, pasted.slice(0, 190));
  const ticket = await people.ana.call<TicketDetail>('POST', '/api/tickets', { incident, title: pasted.slice(0, 190), summary: `${pasted}\n${LONG.slice(0, 5000)}`, demands: pasted });
  await people.ana.call('POST', `/api/tickets/${ticket.id}/comments`, { text: pasted });
  await people.ana.call('POST', `/api/incidents/${incident}/comments`, { text: `${pasted} ${LONG.slice(0, 3000)}` });
  await people.ana.call('POST', `/api/tickets/${ticket.id}/actions`, { version: (await get<TicketDetail>(`/api/tickets/${ticket.id}`)).version, action: 'submit' });
  await people.op.call('POST', `/api/tickets/${ticket.id}/actions`, { version: (await get<TicketDetail>(`/api/tickets/${ticket.id}`)).version, action: 'approve' });
  await people.op.call('POST', '/api/suppressions', { match: { source: '198.51.100.67' }, reason: `${pasted} ${LONG.slice(0, 1000)}`, expires: new Date(Date.now() + 86_400_000).toISOString() });

  return { alert: alert.id, incident, ticket: ticket.id, campaign: campaign!.id, evidence: evidence.map((e) => e.id) };
}
/** Pieces of it to search for. */
export const SOUGHT = [MARKUP.slice(0, 60), 'window.owned', '\u202egnp'];
