import { prefix } from './bytes.js';
import { memcached, memcachedUdp } from './database/memcached.js';
import { mongodb } from './database/mongodb.js';
import { mysql } from './database/mysql.js';
import { oracle } from './database/oracle.js';
import { pgsql } from './database/pgsql.js';
import { tds } from './database/tds.js';
import { kerberosTcp, kerberosUdp } from './directory/kerberos.js';
import { ldap } from './directory/ldap.js';
import { snmp } from './directory/snmp.js';
import { dnsTcp, dnsUdp } from './dns/dns.js';
import { ftp, ftpData } from './ftp.js';
import { Http1Parser } from './http/http1.js';
import { http2 } from './http/http2.js';
import { identifyHttp } from './http/identify.js';
import { websocket } from './http/websocket.js';
import { ajp } from './java/ajp.js';
import { iiop } from './java/iiop.js';
import { rmi, serialization, t3 } from './java/java.js';
import { smtp } from './mail.js';
import { imap, pop3 } from './mailbox.js';
import { dhcp } from './network/dhcp.js';
import { ike } from './network/ike.js';
import { mqtt } from './network/mqtt.js';
import { ntp } from './network/ntp.js';
import { rsync } from './network/rsync.js';
import { sipTcp, sipUdp } from './network/sip.js';
import { tftp } from './network/tftp.js';
import type { ProtocolEntry } from './parser.js';
import { quic } from './quic/quic.js';
import { redis } from './redis.js';
import { rdp } from './remote/rdp.js';
import { rfb } from './remote/rfb.js';
import { socks } from './remote/socks.js';
import { telnet } from './remote/telnet.js';
import { dcerpc } from './smb/dcerpc.js';
import { smb } from './smb/smb.js';
import { ssh } from './ssh.js';
import { tls } from './tls/tls.js';
import { setInnerProtocols } from './tunnel.js';

const http: ProtocolEntry = {
  protocol: 'http',
  transport: 'tcp',
  ports: [80, 8080, 8000, 8888, 9200, 3128],
  identify: identifyHttp,
  isServers: (u8, at, length) => prefix(u8, at, length, 'HTTP/') === 1,
  create: () => new Http1Parser(),
};

/**
 * Every protocol, in the order of trying: the first that says 1 gets the flow. What has the surest bytes comes first;
 * what is told by weak bytes or its port comes last.
 */
export const protocols: readonly ProtocolEntry[] = [
  ftpData,
  http2,
  sipTcp,
  http,
  tls,
  ssh,
  smb,
  t3,
  rmi,
  serialization,
  iiop,
  rfb,
  rsync,
  ajp,
  rdp,
  smtp,
  pop3,
  imap,
  ftp,
  mqtt,
  redis,
  memcached,
  oracle,
  mongodb,
  mysql,
  pgsql,
  kerberosTcp,
  ldap,
  dcerpc,
  tds,
  websocket,
  dhcp,
  sipUdp,
  quic,
  ike,
  memcachedUdp,
  dnsUdp,
  kerberosUdp,
  snmp,
  ntp,
  tftp,
  dnsTcp,
  socks,
  telnet,
];
setInnerProtocols(protocols);
