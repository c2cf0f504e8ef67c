import { prefix } from './bytes.js';
import { mysql } from './database/mysql.js';
import { pgsql } from './database/pgsql.js';
import { tds } from './database/tds.js';
import { kerberosTcp, kerberosUdp } from './directory/kerberos.js';
import { ldap } from './directory/ldap.js';
import { snmp } from './directory/snmp.js';
import { dnsTcp, dnsUdp } from './dns/dns.js';
import { ftp } from './ftp.js';
import { Http1Parser, identifyHttp } from './http/http1.js';
import { ajp } from './java/ajp.js';
import { rmi, serialization, t3 } from './java/java.js';
import { imap, pop3, smtp } from './mail.js';
import type { ProtocolEntry } from './parser.js';
import { redis } from './redis.js';
import { rdp } from './remote/rdp.js';
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
  http,
  tls,
  ssh,
  smb,
  t3,
  rmi,
  serialization,
  ajp,
  rdp,
  smtp,
  pop3,
  imap,
  ftp,
  redis,
  mysql,
  pgsql,
  kerberosTcp,
  ldap,
  dcerpc,
  tds,
  dnsUdp,
  kerberosUdp,
  snmp,
  dnsTcp,
  socks,
  telnet,
];
setInnerProtocols(protocols);

export { expectedFtpData } from './ftp.js';
