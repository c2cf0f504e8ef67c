/**
 * Events in the shape and with the names of Suricata's EVE JSON. A timestamp is ISO 8601 with six decimals and an
 * offset, e.g. `2019-10-01T08:00:00.000000+0000`, and is always packet time.
 */
export const EVENT_TYPES = [
  'alert', 'anomaly', 'flow', 'netflow', 'http', 'dns', 'mdns', 'tls', 'ssh', 'smb', 'dcerpc', 'krb5', 'ldap', 'rdp', 'ftp', 'ftp_data',
  'smtp', 'imap', 'pop3', 'mysql', 'pgsql', 'tds', 'oracle', 'redis', 'mongodb', 'memcached', 'java', 'ajp', 'snmp',
  'ntp', 'dhcp', 'tftp', 'sip', 'mqtt', 'rsync', 'telnet', 'rfb', 'socks', 'websocket', 'http2', 'quic', 'ike', 'arp', 'icmp',
  'fileinfo', 'auth', 'packet', 'stats',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** What every event carries. */
export interface EveEvent {
  timestamp: string;
  event_type: EventType;
  flow_id?: number;
  /** Node that captured it (EVE `host`). */
  host?: string;
  in_iface?: string;
  pcap_filename?: string;
  /** Number of the packet in its capture, from 1. */
  pcap_cnt?: number;
  src_ip?: string;
  src_port?: number;
  dest_ip?: string;
  dest_port?: number;
  proto?: string;
  app_proto?: string;
  ip_v?: 4 | 6;
  icmp_type?: number;
  icmp_code?: number;
  vlan?: number[];
  community_id?: string;
  tx_id?: number;
  pkt_src?: string;
  /** Outer layers, outermost first, where the packet came through a tunnel. */
  tunnel?: { src_ip: string; dest_ip: string; proto: string; depth: number; src_port?: number; dest_port?: number };
  /** The protocol's own object under the name of the event type, as in EVE. */
  [detail: string]: unknown;
}

/** One login, of whatever protocol (`event_type: "auth"`). */
export interface AuthDetail {
  protocol: string;
  user?: string;
  result: 'success' | 'failure' | 'unknown';
  /** 0…1: how sure the result is; inferred results stay below 0.9. */
  confidence: number;
  method?: string;
  target?: string;
  /** Failures told together, where a connection tells its tries only at its end. */
  attempts?: number;
}
