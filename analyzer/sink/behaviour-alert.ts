import type { Alert } from '../../contracts/alert.js';
import type { BehaviourHit } from '../detect/behaviour.js';
import { eveTimestamp, toAlert } from './finding.js';
import { findingRule } from './rule-alert.js';

/** Where a behaviour's packets come from. */
export interface CapturePoint {
  node: string;
  unit: string;
  file?: string;
  demo?: boolean;
}

/**
 * The alert of a behaviour's hit, before aggregation; add it with `{ key: hit.key }`. Its addresses are attacker to
 * victim, as of the first packet of the attack.
 */
export function alertOfBehaviour(hit: BehaviourHit, point?: CapturePoint): Alert {
  const rule = findingRule(hit.rule.info);
  if (hit.class) rule.class = hit.class;
  const node = point?.node || hit.node;
  return toAlert({
    rule,
    header: {
      timestamp: eveTimestamp(hit.lastUs), event_type: 'alert', ...hit.flow,
      ...(node && { host: node }), ...(point?.file && { pcap_filename: point.file }),
      src_ip: hit.attacker.ip, ...(hit.attacker.port && { src_port: hit.attacker.port }),
      dest_ip: hit.victim.ip, ...(hit.victim.port && { dest_port: hit.victim.port }),
      proto: hit.proto, ...(hit.app && { app_proto: hit.app }), ip_v: hit.victim.ip.includes(':') ? 6 : 4,
    },
    attacker: hit.attacker, victim: hit.victim, verdict: hit.verdict, severity: hit.severity, because: hit.because,
    firstUs: hit.firstUs, lastUs: hit.lastUs, count: hit.count, measured: hit.measured, occurrence: hit.key,
    ...(node && { node }), ...(point?.unit && { unit: point.unit }), ...(point?.demo && { demo: true }),
  });
}
