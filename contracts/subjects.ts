/**
 * Names on the bus. Four kinds of traffic and no fifth: packet blocks, events, alerts, control.
 * Tokens are lower-case letters, digits, `-` and `_`; anything else is replaced by `_`.
 */

/** Makes one NATS subject token out of any text (1–64 characters of `[a-z0-9_-]`). */
export function token(text: string): string {
  const t = text.toLowerCase().replace(/[^a-z0-9_-]/g, '_').slice(0, 64);
  return t === '' ? '_' : t;
}

export const subjects = {
  /** Packet blocks of one node's interface for one flow partition (`partition` counts from 0). */
  packets: (unit: string, node: string, partition: number) =>
    `sw.packets.${partition}.${token(unit)}.${token(node)}`,
  /** All packet blocks of one partition. */
  packetsOf: (partition: number) => `sw.packets.${partition}.>`,
  allPackets: 'sw.packets.>',
  /** EVE events by `event_type`. */
  event: (type: string, node: string) => `sw.event.${token(type)}.${token(node)}`,
  allEvents: 'sw.event.>',
  /** Events in bulk between analyzers: connection records and logins of the hosts that one partition owns. */
  hosts: (partition: number) => `sw.event.hosts.${partition}`,
  /** How far each lane's packet time has come; at most once. */
  hostProgress: 'sw.event.host_progress',
  /** Alerts by severity. */
  alert: (severity: string, unit: string) => `sw.alert.${token(severity)}.${token(unit)}`,
  allAlerts: 'sw.alert.>',
  /** Evidence: the packets around one alert, as a pcap file; headers as `EvidenceHeaders`. */
  evidence: (alertId: string) => `sw.evidence.${token(alertId)}`,
  allEvidence: 'sw.evidence.>',
  /** Heartbeats of every process, see `health.ts`. */
  health: (role: string, id: string) => `sw.control.health.${token(role)}.${token(id)}`,
  allHealth: 'sw.control.health.>',
  /** A new registry, as JSON (`contracts/registry.ts`); header `version` counts up. Sent when it changes and when somebody asks. */
  registry: 'sw.control.registry',
  /** Request: the registry as it stands. */
  registryWanted: 'sw.control.command.console.registry',
  /** Commands to a role (`reload-rules`, `evidence`, …), request and reply. */
  command: (role: string, name: string) => `sw.control.command.${token(role)}.${token(name)}`,
} as const;

/**
 * What the bus keeps at most of each stream. A NATS server sets these aside from `max_file`, so that both sides must name
 * the same, and a small machine must have them: 2 GiB, and a partition's packets and hosts.
 */
export const STREAM_BYTES = { packets: 512 * 1024 ** 2, hosts: 64 * 1024 ** 2, alerts: 1024 ** 3, evidence: 1024 ** 3 } as const;

/** JetStream streams. Packets are a work queue with back-pressure; alerts and evidence are kept for replay. */
export const streams = {
  packets: (partition: number) => `SW_PACKETS_${partition}`,
  hosts: (partition: number) => `SW_HOSTS_${partition}`,
  alerts: 'SW_ALERTS',
  evidence: 'SW_EVIDENCE',
} as const;
