import type { BufferName } from '../buffers.js';

/** Sticky buffers by the names that rules use for them, old and new. */
export const STICKY: Record<string, BufferName> = {};
/** Modifiers that stand after the content that they move (`content:"x"; http_uri;`). */
export const MODIFIERS: Record<string, BufferName> = {};
/** Buffers by the letter of a `pcre` flag. */
export const PCRE_BUFFERS: Record<string, BufferName> = {
  U: 'http.uri', I: 'http.uri.raw', P: 'http.request_body', Q: 'http.response_body', H: 'http.header', D: 'http.header.raw', M: 'http.method', C: 'http.cookie',
  S: 'http.stat_code', Y: 'http.stat_msg', V: 'http.user_agent', W: 'http.host', Z: 'http.host.raw',
};

const SAME = [
  'http.method', 'http.uri', 'http.uri.raw', 'http.protocol', 'http.host', 'http.host.raw', 'http.user_agent', 'http.cookie', 'http.referer', 'http.content_type',
  'http.content_len', 'http.accept', 'http.accept_enc', 'http.accept_lang', 'http.connection', 'http.header', 'http.header.raw', 'http.header_names',
  'http.request_header', 'http.request_line', 'http.request_body', 'http.start', 'http.location', 'http.server', 'http.stat_code', 'http.stat_msg', 'http.response_line',
  'http.response_header', 'http.response_body', 'file.data', 'file.name', 'file.magic', 'dns.query', 'dns.queries.rrname', 'dns.answers.rrname', 'tls.sni', 'tls.cert_subject',
  'tls.cert_issuer', 'tls.cert_serial', 'tls.cert_fingerprint', 'tls.certs', 'tls.alpn', 'tls.random', 'tls.subjectaltname', 'ja3.hash', 'ja3.string', 'ja3s.hash',
  'ja3s.string', 'ja4.hash', 'ssh.proto', 'ssh.software', 'ssh.hassh', 'ssh.hassh.string', 'ssh.hassh.server', 'ssh.hassh.server.string', 'smb.named_pipe',
  'smb.ntlmssp_user', 'smb.ntlmssp_domain', 'dcerpc.stub_data', 'ftp.command', 'ftp.command_data', 'ftp.reply', 'ftp.completion_code', 'smtp.helo', 'smtp.mail_from',
  'smtp.rcpt_to', 'email.from', 'email.to', 'email.subject', 'ldap.responses.dn', 'ldap.request.dn', 'rfb.name', 'snmp.community', 'snmp.usm', 'sip.method', 'sip.uri',
  'sip.stat_code', 'sip.stat_msg', 'sip.protocol', 'sip.request_line', 'sip.response_line', 'mqtt.connect.clientid', 'mqtt.connect.username', 'mqtt.connect.password',
  'mqtt.publish.topic', 'mqtt.publish.message', 'mqtt.subscribe.topic', 'quic.sni', 'quic.ua', 'quic.version', 'quic.cyu.hash', 'websocket.payload', 'pgsql.query',
  'tcp.hdr', 'udp.hdr', 'ipv4.hdr', 'ipv6.hdr', 'icmpv4.hdr', 'icmpv6.hdr', 'ether.hdr', 'sctp.hdr', 'ike.init_spi', 'ike.resp_spi', 'ike.vendor',
  'ike.key_exchange_payload', 'ike.nonce_payload', 'sip.from', 'sip.to', 'sip.via', 'sip.user_agent', 'sip.content_type', 'sip.content_length', 'snmp.trap_oid',
  'snmp.trap_address', 'email.cc', 'email.date', 'email.message_id', 'email.received', 'email.x_mailer', 'email.url', 'email.body_md5', 'email.command',
  'ldap.responses.message', 'ldap.request.attribute_type', 'ldap.responses.attribute_type', 'mqtt.connect.protocol_string', 'mqtt.connect.willtopic',
  'mqtt.connect.willmessage', 'mqtt.unsubscribe.topic', 'quic.cyu.string', 'http2.header_name',
] as const;
for (const name of SAME) STICKY[name] = name;
Object.assign(STICKY, {
  file_data: 'file.data', dns_query: 'dns.query', 'dns.query.name': 'dns.queries.rrname', 'dns.answer.name': 'dns.answers.rrname', tls_sni: 'tls.sni', tls_cert_subject: 'tls.cert_subject', tls_cert_issuer: 'tls.cert_issuer',
  tls_cert_serial: 'tls.cert_serial', tls_cert_fingerprint: 'tls.cert_fingerprint', ja3_hash: 'ja3.hash', ja3_string: 'ja3.string', ja4: 'ja4.hash', ssh_proto: 'ssh.proto',
  ssh_software: 'ssh.software', 'ssh.protoversion': 'ssh.proto', smb_named_pipe: 'smb.named_pipe', smb_share: 'smb.tree_connect', 'smb.share': 'smb.tree_connect', dce_stub_data: 'dcerpc.stub_data', krb5_cname: 'krb5_cname',
  krb5_sname: 'krb5_sname', 'krb5.cname': 'krb5_cname', 'krb5.sname': 'krb5_sname', ftpdata_command: 'ftpdata_command', http_request_line: 'http.request_line', http_response_line: 'http.response_line', http_protocol: 'http.protocol',
  http_start: 'http.start', http_header_names: 'http.header_names', http_accept: 'http.accept', http_accept_enc: 'http.accept_enc', http_accept_lang: 'http.accept_lang',
  http_referer: 'http.referer', http_connection: 'http.connection', http_content_type: 'http.content_type', http_content_len: 'http.content_len',
} satisfies Record<string, BufferName>);
Object.assign(MODIFIERS, {
  http_uri: 'http.uri', http_raw_uri: 'http.uri.raw', http_method: 'http.method', http_header: 'http.header', http_raw_header: 'http.header.raw', http_cookie: 'http.cookie',
  http_client_body: 'http.request_body', http_server_body: 'http.response_body', http_user_agent: 'http.user_agent', http_host: 'http.host', http_raw_host: 'http.host.raw',
  http_stat_code: 'http.stat_code', http_stat_msg: 'http.stat_msg',
} satisfies Record<string, BufferName>);

/** Application protocols in rule headers, and EVE's names for what they match. */
const APP_PROTOCOLS: Record<string, readonly string[]> = {
  http: ['http', 'http2'], http1: ['http'], http2: ['http2'], ftp: ['ftp'], 'ftp-data': ['ftp-data'], tls: ['tls'], ssl: ['tls'], smb: ['smb'], dns: ['dns'], smtp: ['smtp'], ssh: ['ssh'],
  imap: ['imap'], pop3: ['pop3'], dcerpc: ['dcerpc', 'smb'], krb5: ['krb5'], snmp: ['snmp'], tftp: ['tftp'], ntp: ['ntp'], dhcp: ['dhcp'], sip: ['sip'], rfb: ['rfb'], mqtt: ['mqtt'],
  rdp: ['rdp'], pgsql: ['pgsql'], telnet: ['telnet'], websocket: ['websocket'], ldap: ['ldap'], quic: ['quic'], mdns: ['mdns', 'dns'], modbus: ['modbus'], dnp3: ['dnp3'],
  enip: ['enip'], nfs: ['nfs'], ike: ['ike'], ikev2: ['ike'], doh2: ['doh2'], 'bittorrent-dht': ['bittorrent-dht'], mysql: ['mysql'], redis: ['redis'], pop: ['pop3'], llmnr: ['llmnr', 'dns'],
};

export const appsOf = (protocol: string): readonly string[] | undefined => (Object.hasOwn(APP_PROTOCOLS, protocol) ? APP_PROTOCOLS[protocol] : undefined);

/** Buffers of one packet. */
export const PACKET_BUFFERS = new Set<string>(['tcp.hdr', 'udp.hdr', 'ipv4.hdr', 'ipv6.hdr', 'icmpv4.hdr', 'icmpv6.hdr', 'ip.src', 'ip.dst', 'ether.hdr', 'sctp.hdr']);
