/**
 * Sticky buffers, named as Suricata names them. A parser fills the table with places in the arena and calls the
 * inspector; nothing is copied for it, and the table is reused.
 */
export const BUFFER_NAMES = [
  'payload', // one packet's payload
  'stream', // the reassembled bytes of one direction
  'message', // the same, since the other side last spoke
  'http.method', 'http.uri', 'http.uri.raw', 'http.protocol', 'http.host', 'http.host.raw', 'http.user_agent',
  'http.cookie', 'http.referer', 'http.content_type', 'http.content_len', 'http.accept', 'http.accept_enc',
  'http.accept_lang', 'http.connection', 'http.header', 'http.header.raw', 'http.header_names', 'http.request_header',
  'http.request_line', 'http.request_body', 'http.start', 'http.location', 'http.server', 'http.stat_code',
  'http.stat_msg', 'http.response_line', 'http.response_header', 'http.response_body',
  // ours: where HTTP stops and the application starts
  'http.uri.decoded', // path and query decoded until nothing changes (bounded)
  'http.request_body.decoded', // urlencoded or multipart values decoded
  'file.data', 'file.name', 'file.ext', 'file.magic', 'file.md5', 'file.sha256',
  'dns.query', 'dns.answer', 'dns.queries.rrname', 'dns.answers.rrname',
  'tls.sni', 'tls.cert_subject', 'tls.cert_issuer', 'tls.cert_serial', 'tls.cert_fingerprint', 'tls.certs', 'tls.alpn',
  'tls.version', 'tls.random', 'tls.subjectaltname', 'ja3.hash', 'ja3.string', 'ja3s.hash', 'ja3s.string', 'ja4.hash',
  'ssh.proto', 'ssh.software', 'ssh.hassh', 'ssh.hassh.string', 'ssh.hassh.server', 'ssh.hassh.server.string',
  'smb.named_pipe', 'smb.share', 'smb.ntlmssp_user', 'smb.ntlmssp_domain', 'smb.command', 'smb.filename',
  'dcerpc.iface', 'dcerpc.opnum', 'dcerpc.stub_data',
  'krb5_cname', 'krb5_sname', 'krb5_msg_type', 'ftp.command', 'ftp.command_data', 'ftp.reply', 'ftpdata_command',
  'ftp.completion_code', 'smtp.helo', 'smtp.mail_from', 'smtp.rcpt_to', 'email.from', 'email.to', 'email.subject',
  'ldap.request.operation', 'ldap.responses.dn', 'ldap.request.dn', 'rfb.name', 'snmp.community', 'snmp.usm',
  'sip.method', 'sip.uri', 'sip.stat_code', 'sip.stat_msg', 'sip.protocol', 'sip.request_line', 'sip.response_line',
  'mqtt.connect.clientid', 'mqtt.connect.username', 'mqtt.connect.password', 'mqtt.publish.topic',
  'mqtt.publish.message', 'mqtt.subscribe.topic', 'quic.sni', 'quic.ua', 'quic.version', 'quic.cyu.hash',
  'websocket.payload', 'mysql.command', 'mysql.rows', 'pgsql.query', 'tds.query', 'redis.command', 'java.class',
  'java.stream', 'rmi.host', 't3.header', 'ajp.uri', 'ajp.attribute', 'rdp.cookie', 'rdp.channel', 'telnet.line',
  'icmp.payload', 'tcp.hdr', 'udp.hdr', 'ipv4.hdr', 'ipv6.hdr', 'icmpv4.hdr', 'icmpv6.hdr', 'auth.user',
  // numbers unless a name says otherwise, as Suricata's keywords of the same names
  'rfb.sectype', 'rfb.secresult', 'mqtt.type', 'mqtt.qos', 'mqtt.flags', 'mqtt.reason_code', 'mqtt.protocol_version',
  'mqtt.connect.flags', 'mqtt.connect.protocol_string', 'mqtt.connect.willtopic', 'mqtt.connect.willmessage',
  'mqtt.connack.session_present', 'mqtt.unsubscribe.topic', 'quic.cyu.string', 'snmp.version', 'snmp.pdu_type',
  'http2.frametype', 'http2.errorcode', 'http2.settings', 'http2.window', 'http2.header_name', 'websocket.opcode',
  'websocket.flags', 'websocket.mask', 'ike.init_spi', 'ike.resp_spi', 'ike.exchtype', 'ike.vendor',
  'ike.key_exchange_payload', 'ike.key_exchange_payload_length', 'ike.nonce_payload', 'ike.nonce_payload_length',
  'ike.chosen_sa_attribute', 'tls.cert_chain_len', 'dhcp.leasetime', 'dhcp.rebinding_time', 'dhcp.renewal_time',
  'mongodb.command', 'mongodb.document', 'memcached.command', 'oracle.connect', 'oracle.data', 'giop.operation',
  'rsync.module', 'tftp.file', 'dns.opcode', 'dns.rcode', 'dns.rrtype', 'smb.status', 'ntlmssp.workstation', 'line', // one line of a line protocol
  // as Suricata means iface, opnum and share: of calls and their answers, of tree connects
  'dcerpc.call', 'dcerpc.call_opnum', 'smb.tree_connect',
  'krb5_err_code', 'smb.version', 'ftp.dynamic_port', 'ftp.mode', 'ftp.reply_received', 'ldap.request.opcode', 'ldap.responses.opcode',
  'ldap.responses.result_code', 'ldap.responses.count', 'ldap.responses.message', 'ldap.request.attribute_type', 'ldap.responses.attribute_type',
  'sip.from', 'sip.to', 'sip.via', 'sip.user_agent', 'sip.content_type', 'sip.content_length', 'snmp.trap_oid', 'snmp.trap_address',
  'email.cc', 'email.date', 'email.message_id', 'email.received', 'email.x_mailer', 'email.url', 'email.body_md5', 'email.command',
  'ip.src', 'ip.dst', 'ether.hdr', 'sctp.hdr', // of one packet
] as const;
export type BufferName = (typeof BUFFER_NAMES)[number];

/** Buffer numbers by name: `B['http.uri']`. */
export const B = Object.fromEntries(BUFFER_NAMES.map((name, i) => [name, i])) as Record<BufferName, number>;

/** Most buffers one stage may present (a request with 200 headers adds few; DNS answers and certificates add more). */
export const MAX_ENTRIES = 512;

export class BufferTable {
  count = 0;
  readonly ids: Int16Array;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  /** Numbers that rules compare (stat_code, dns.opcode, dcerpc.opnum …), by the same ids. */
  readonly numberIds: Int16Array;
  readonly numbers: Float64Array;
  numberCount = 0;
  /** The response body and its file were looked through with their stream: they hold none of the rules' literals. */
  barren = false;

  constructor(private readonly capacity = MAX_ENTRIES) {
    this.ids = new Int16Array(capacity);
    this.offsets = new Int32Array(capacity);
    this.lengths = new Int32Array(capacity);
    this.numberIds = new Int16Array(capacity);
    this.numbers = new Float64Array(capacity);
  }

  clear(): void {
    this.count = 0;
    this.numberCount = 0;
    this.barren = false;
  }

  /** Adds one instance of a buffer; several instances of one id are several values (headers, names, certificates). */
  add(id: number, offset: number, length: number): void {
    if (this.count === this.capacity) return;
    this.ids[this.count] = id;
    this.offsets[this.count] = offset;
    this.lengths[this.count++] = length;
  }

  addNumber(id: number, value: number): void {
    if (this.numberCount === this.capacity) return;
    this.numberIds[this.numberCount] = id;
    this.numbers[this.numberCount++] = value;
  }

  /** Index of the first instance at or after `from`, or -1. */
  find(id: number, from = 0): number {
    for (let i = from; i < this.count; i++) if (this.ids[i] === id) return i;
    return -1;
  }
}
