import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { SEVERITIES, VERDICTS } from '../../../contracts/classes.js';
import { iso } from '../store/cursor.js';
import type { IncidentRecord } from '../store/incidents.js';

// RFC 4122, section 4.3: version 5, SHA-1 over a namespace and a name.
function uuid5(namespace: string, name: string): string {
  const h = createHash('sha1').update(Buffer.from(namespace.replaceAll('-', ''), 'hex')).update(name).digest('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-5${h.slice(13, 16)}-${((Number.parseInt(h[16], 16) & 3) | 8).toString(16)}${h.slice(17, 20)}-${h.slice(20, 32)}`;
}
// STIX 2.1, section 2.9: this one for observables, whose ids every tool makes alike; for other objects it must not be used.
const OBSERVABLES = '00abedb4-aa42-466c-9c01-fed23315a9b7';
const OURS = '5b1c5f3e-7d0e-4c8b-9a55-0c6f2f1f9d11';
/** The same object gives the same id, so that a second export renews and does not double. */
const id = (type: string, key: string): string => `${type}--${uuid5(OURS, `${type} ${key}`)}`;
/** Name: the properties that make it what it is, as canonical JSON. */
const addressId = (type: string, value: string): string => `${type}--${uuid5(OBSERVABLES, JSON.stringify({ value }))}`;
// What an analyzer sends as an address or a technique and is none has no place in a pattern or in a link.
const addressType = (ip: string): 'ipv4-addr' | 'ipv6-addr' | undefined => (isIP(ip) === 4 ? 'ipv4-addr' : isIP(ip) === 6 ? 'ipv6-addr' : undefined);
const TECHNIQUE = /^T\d{4}(\.\d{3})?$/;
type StixObject = Record<string, unknown> & { id: string };

/** Incidents with attackers as indicators and observed addresses, techniques as attack patterns. */
export function stixBundle(rows: readonly IncidentRecord[], now: number, incidents: boolean): { type: 'bundle'; id: string; objects: StixObject[] } {
  const objects = new Map<string, StixObject>();
  const put = (o: StixObject): string => { objects.set(o.id, o); return o.id; };
  const common = { spec_version: '2.1' };
  const author = put({ type: 'identity', ...common, id: id('identity', 'console'), created: '2019-06-01T00:00:00.000Z', modified: '2019-06-01T00:00:00.000Z', name: 'Shouwang', identity_class: 'system' });
  const byAttacker = new Map<string, IncidentRecord[]>();
  for (const r of rows) {
    const held = byAttacker.get(r.attacker_ip);
    if (held) held.push(r);
    else byAttacker.set(r.attacker_ip, [r]);
  }
  for (const i of rows) {
    const stamps = { created: iso(i.first_seen), modified: iso(Math.max(i.last_seen, i.first_seen)), created_by_ref: author };
    const kind = addressType(i.attacker_ip);
    const theirs = byAttacker.get(i.attacker_ip) ?? [i];
    // One indicator an attacker, whatever it did: as old as the first of it, as sure as the worst.
    const since = iso(Math.min(...theirs.map((r) => r.first_seen)));
    const indicator = kind && put({
      type: 'indicator', ...common, id: id('indicator', i.attacker_ip), created: since, modified: iso(Math.max(...theirs.map((r) => r.last_seen), ...theirs.map((r) => r.first_seen))), created_by_ref: author,
      name: i.attacker_ip, indicator_types: ['malicious-activity'], pattern: `[${kind}:value = '${i.attacker_ip}']`,
      pattern_type: 'stix', valid_from: since, confidence: [40, 75, 95][Math.max(...theirs.map((r) => r.verdict))] ?? 40,
    });
    const patterns = (JSON.parse(i.techniques_json) as string[]).filter((t) => TECHNIQUE.test(t)).map((t) => put({
      type: 'attack-pattern', ...common, id: id('attack-pattern', t), created: '2019-06-01T00:00:00.000Z', modified: '2019-06-01T00:00:00.000Z', created_by_ref: author, name: t,
      external_references: [{ source_name: 'mitre-attack', external_id: t, url: `https://attack.mitre.org/techniques/${t.replace('.', '/')}` }],
    }));
    if (indicator) for (const p of patterns) put({ type: 'relationship', ...common, id: id('relationship', `${indicator} ${p}`), ...stamps, relationship_type: 'indicates', source_ref: indicator, target_ref: p });
    if (!incidents) continue;
    const observedAt = [...new Set([i.attacker_ip, i.victim_ip])].flatMap((ip) => {
      const type = addressType(ip);
      return type ? [put({ type, ...common, id: addressId(type, ip), value: ip })] : [];
    });
    const incident = put({
      type: 'incident', ...common, id: id('incident', i.id), ...stamps, name: i.title_en, description: i.title_zh, labels: [SEVERITIES[i.severity], VERDICTS[i.verdict], ...(JSON.parse(i.classes_json) as string[])],
      external_references: [{ source_name: 'shouwang', external_id: i.id }],
    });
    const observed = observedAt.length > 0 && put({ type: 'observed-data', ...common, id: id('observed-data', i.id), ...stamps, first_observed: iso(i.first_seen), last_observed: iso(Math.max(i.last_seen, i.first_seen)), number_observed: Math.max(1, Math.min(999_999_999, i.events)), object_refs: observedAt });
    if (observed) put({ type: 'relationship', ...common, id: id('relationship', `${incident} ${observed}`), ...stamps, relationship_type: 'related-to', source_ref: incident, target_ref: observed });
    if (indicator) put({ type: 'relationship', ...common, id: id('relationship', `${indicator} ${incident}`), ...stamps, relationship_type: 'related-to', source_ref: indicator, target_ref: incident });
  }
  return { type: 'bundle', id: id('bundle', `${now} ${rows.map((r) => r.id).join(' ')}`), objects: [...objects.values()] };
}
