import type { BufferName } from './buffers.js';

/** Which application protocols have a buffer, by the start of its name; the longest start decides. */
const PROTOCOLS: [string, readonly string[]][] = [
  ['http.', ['http', 'http2']], ['dns.', ['dns']], ['tls.', ['tls', 'quic']], ['ja3', ['tls', 'quic']], ['ja4', ['tls', 'quic']],
  ['ssh.', ['ssh']], ['smb.', ['smb']], ['dcerpc.', ['dcerpc', 'smb']], ['krb5_', ['krb5']], ['ftp.', ['ftp']], ['ftpdata_', ['ftp']],
  ['smtp.', ['smtp']], ['email.', ['smtp', 'imap', 'pop3']], ['ldap.', ['ldap']], ['rfb.', ['rfb']], ['snmp.', ['snmp']], ['sip.', ['sip']],
  ['mqtt.', ['mqtt']], ['quic.', ['quic']], ['websocket.', ['websocket', 'http']], ['mysql.', ['mysql']], ['pgsql.', ['pgsql']], ['tds.', ['tds']],
  ['redis.', ['redis']], ['java.', ['java', 'http', 't3']], ['rmi.', ['java']], ['t3.', ['t3']], ['ajp.', ['ajp']], ['rdp.', ['rdp']], ['telnet.', ['telnet']],
  ['http2.', ['http2', 'http']], ['ike.', ['ike']], ['dhcp.', ['dhcp']], ['mongodb.', ['mongodb']], ['memcached.', ['memcached']], ['oracle.', ['oracle']],
  ['giop.', ['java']], ['rsync.', ['rsync']], ['tftp.', ['tftp']],
];
const LAYERS = ['tcp', 'udp', 'icmp', 'ip'];
const BELOW: Partial<Record<BufferName, readonly string[]>> = {
  payload: LAYERS, stream: ['tcp'], message: ['tcp'], 'icmp.payload': ['icmp'], 'tcp.hdr': ['tcp'], 'udp.hdr': ['udp'], 'ipv4.hdr': LAYERS, 'ipv6.hdr': LAYERS,
  'icmpv4.hdr': ['icmp'], 'icmpv6.hdr': ['icmp'],
};
/** Protocols whose files are shown as `file.*`. */
const FILES = ['file', 'http', 'http2', 'smtp', 'imap', 'pop3', 'ftp', 'smb', 'tftp', 'websocket'];
const ANY_APP = ['auth.user'];

export function isOnProtocol(buffer: BufferName, protocol: string): boolean {
  const below = BELOW[buffer];
  if (below) return below.includes(protocol);
  if (buffer.startsWith('file.')) return FILES.includes(protocol);
  if (ANY_APP.includes(buffer)) return !LAYERS.includes(protocol);
  return PROTOCOLS.some(([start, apps]) => buffer.startsWith(start) && apps.includes(protocol));
}

const REQUEST = /^(?:ike\.(?:init_spi|vendor)|http\.(?:method|uri|host|user_agent|referer|accept|request_)|dns\.query$|tls\.sni|ja3\.|ja4|ssh\.hassh(?:\.string)?$|ftp\.command|smtp\.|mysql\.command|pgsql\.query|tds\.query|sip\.(?:method|uri|request_)|ldap\.request|mqtt\.(?:connect|subscribe)|quic\.(?:sni|ua)|rdp\.cookie|redis\.command|ajp\.|quic\.cyu)/;
const RESPONSE = /^(?:ike\.resp_spi|ftp\.reply_received|http\.(?:location|server|stat_|response_)|dns\.answer|tls\.(?:cert|subjectaltname)|ja3s|ssh\.hassh\.server|ftp\.(?:reply|completion_code)|mysql\.rows|sip\.(?:stat_|response_)|ldap\.responses)/;

/** The side that a buffer belongs to; undefined where both have it. */
export function sideOf(buffer: BufferName): 'request' | 'response' | undefined {
  return REQUEST.test(buffer) ? 'request' : RESPONSE.test(buffer) ? 'response' : undefined;
}

/** Protocols whose messages are inspected once a side: what isn't there then, isn't there. */
const ONE_MESSAGE = new Set(['dns', 'snmp', 'ntp', 'dhcp', 'tftp', 'sip', 'quic']);
const BODY = /^(?:http\.(?:request_body|response_body)|file\.|java\.|websocket\.)/;

/** 0: known with the head of its side; 1: with what follows it; 2: with its end. */
export function finalStage(buffer: BufferName, protocols: readonly string[]): 0 | 1 | 2 {
  if (buffer in BELOW) return 0;
  if (buffer.startsWith('http.') && !BODY.test(buffer)) return 0;
  // One hello from the client; banner, then key exchange.
  if (buffer.startsWith('tls.') || buffer.startsWith('ja')) return sideOf(buffer) === 'response' ? 2 : 0;
  if (buffer.startsWith('ssh.')) return buffer.startsWith('ssh.hassh') ? 1 : 0;
  return protocols.length > 0 && protocols.every((p) => ONE_MESSAGE.has(p)) ? 0 : 2;
}

export function isBody(buffer: string): boolean {
  return BODY.test(buffer);
}
