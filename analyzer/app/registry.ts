import type { ProtocolEntry } from './parser.js';
import { dnsTcp, dnsUdp } from './dns/dns.js';
import { Http1Parser, identifyHttp } from './http/http1.js';
import { tls } from './tls/tls.js';
import { setInnerProtocols } from './tunnel.js';

/** Every protocol, the cheapest and surest to recognise first. */
export const protocols: readonly ProtocolEntry[] = [
  { protocol: 'http', transport: 'tcp', ports: [80, 8080, 8000, 8888, 7001, 9200, 3128], identify: identifyHttp, create: () => new Http1Parser() },
  tls,
  dnsUdp,
  dnsTcp,
];
setInnerProtocols(protocols);
