import type { Alert, Bilingual } from '../../../contracts/alert.js';
import type { ChainLink } from '../../model/evidence.js';
import { INCIDENT_MACHINE, type IncidentAction } from '../../model/incident.js';
import { TICKET_ENDED, TICKET_MACHINE, type TicketAction } from '../../model/ticket.js';
import type { Context } from '../context.js';
import { iso } from '../store/cursor.js';
import type { IncidentRecord } from '../store/incidents.js';
import type { Scope } from '../store/scope.js';
import { digest, linkHash } from './bundle.js';
import type { TarFile } from './tar.js';

/** Alerts of an incident in its chain, the telling ones first; a scan may have a hundred thousand. */
const ALERTS_MAX = 500;
/** Captures and attachments in one bundle. */
const BYTES_MAX = 512 * 1024 ** 2;

export interface Chain { links: ChainLink[]; files: TarFile[]; missing: string[]; cut: boolean }

/** The chain of one incident as this reader may see it: packets, alerts, incident, bulletins, steps, closure. */
export async function chainOf(context: Context, scope: Scope, incident: IncidentRecord): Promise<Chain> {
  const { store } = context;
  const chain: Chain = { links: [], files: [], missing: [], cut: false };
  let before = '';
  let bytes = 0;
  const put = (kind: ChainLink['kind'], id: string, at: number, title: string | Bilingual, name: string, data: Buffer): void => {
    const l = { seq: chain.links.length + 1, kind, id, at: iso(at), sha256: digest('sha256', data), sm3: digest('sm3', data) };
    before = linkHash(before, l);
    chain.links.push({ ...l, link: before, ...(typeof title === 'string' ? { title: title.slice(0, 300) } : { title: title.zh.slice(0, 300), titles: title }), file: name });
    chain.files.push({ name, data });
    bytes += data.length;
  };
  const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
  const seq = (): string => String(chain.links.length + 1).padStart(5, '0');

  const alerts = await store.alerts.ofIncident(scope, incident.id, ALERTS_MAX + 1);
  if (alerts.length > ALERTS_MAX) { alerts.length = ALERTS_MAX; chain.cut = true; }
  const seen = new Set<string>();
  for (const { row, eve } of alerts) {
    const alert = JSON.parse(eve) as Alert;
    const references = alert.shouwang.evidence ?? [];
    const held = await store.evidence.ofIds(references.map((e) => e.id));
    for (const e of references) {
      if (seen.has(e.id)) continue;
      seen.add(e.id);
      const record = held.get(e.id);
      const data = record && record.sha256 === e.sha256 && bytes < BYTES_MAX ? await context.files.bytes(record.sha256) : undefined;
      if (record && data && digest('sha256', data) === e.sha256) put('evidence', e.id, record.stored, { zh: `${e.packets} 个数据包`, en: `packets: ${e.packets}` }, `evidence/${seq()}.pcap`, data);
      else chain.missing.push(e.id);
    }
    put('alert', row.id, row.received, { zh: row.title_zh, en: row.title_en }, `alerts/${seq()}.json`, Buffer.from(eve));
  }
  put('incident', incident.id, incident.last_seen, { zh: incident.title_zh, en: incident.title_en }, 'incident.json', json(incident));
  const people = await context.people();
  const name = (id: string | null): string | null => (id === null ? null : people.get(id)?.name ?? id);
  for (const h of await store.incidents.history(incident.id)) put(h.action === 'close' ? 'closure' : 'step', `${incident.id}#${h.num}`, h.at, INCIDENT_MACHINE.actions[h.action as IncidentAction]?.label ?? h.action, `steps/${seq()}.json`, json({ ...h, by: name(h.by) }));
  for (const t of await store.tickets.ofIncident(scope, incident.id)) {
    const { state, version, due, due_clock, reminded, told_due, ...bulletin } = t;
    void [state, version, due, due_clock, reminded, told_due];
    if (t.issued !== null) put('bulletin', t.id, t.issued, t.number ?? t.title, `bulletins/${seq()}.json`, json({ ...bulletin, author: name(t.author), approver: name(t.approver) }));
    for (const h of await store.incidents.history(t.id)) {
      const closes = h.to_state !== null && (TICKET_ENDED as readonly string[]).includes(h.to_state);
      put(closes ? 'closure' : 'step', `${t.id}#${h.num}`, h.at, TICKET_MACHINE.actions[h.action as TicketAction]?.label ?? h.action, `steps/${seq()}.json`, json({ ...h, by: name(h.by) }));
    }
    for (const a of await store.tickets.attachments(t.id)) {
      const data = bytes < BYTES_MAX ? await context.files.bytes(a.sha256) : undefined;
      if (data) put('attachment', a.id, a.at, a.name, `attachments/${seq()}.bin`, data);
      else chain.missing.push(a.id);
    }
  }
  return chain;
}
