import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { hex, printable, u16, u32 } from '../bytes.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type AppParser, type ProtocolEntry } from '../parser.js';

/** Anomalies of DHCP, named as Suricata names its dhcp events. */
export type DhcpAnomaly = 'truncated_options' | 'malformed_options';

/** Options of one message, with those in overloaded fields; a message of 1500 bytes has at most 700. */
const MAX_OPTIONS = 128;
const FIXED = 236;
const COOKIE = 0x63825363;

const TYPES = ['', 'discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform'];
const PARAMS: Record<number, string> = {
  1: 'subnet_mask', 2: 'time_offset', 3: 'router', 4: 'time_server', 5: 'name_server', 6: 'dns_server', 7: 'log_server',
  8: 'cookie_server', 9: 'lpr_server', 12: 'hostname', 13: 'boot_file_size', 15: 'domain', 17: 'root_path', 26: 'interface_mtu',
  28: 'broadcast', 31: 'router_discovery', 33: 'static_route', 35: 'arp_timeout', 40: 'nis_domain', 41: 'nis_server',
  42: 'ntp_server', 43: 'vendor_specific', 44: 'netbios_name_server', 45: 'netbios_datagram_distribution_server',
  46: 'netbios_node_type', 47: 'netbios_scope', 50: 'requested_ip', 51: 'lease_time', 53: 'dhcp_message_type', 54: 'server_id',
  55: 'parameter_request_list', 57: 'max_message_size', 58: 'renewal_time', 59: 'rebinding_time', 60: 'vendor_class_identifier',
  61: 'client_id', 66: 'tftp_server_name', 67: 'bootfile_name', 119: 'domain_search', 121: 'classless_static_route',
  249: 'private_classless_static_route', 252: 'proxy_autodiscovery',
};

const ip = (u8: Uint8Array, at: number): string => `${u8[at]}.${u8[at + 1]}.${u8[at + 2]}.${u8[at + 3]}`;
const ips = (u8: Uint8Array, at: number, n: number): string[] => {
  const list: string[] = [];
  for (let p = at; p + 4 <= at + n; p += 4) list.push(ip(u8, p));
  return list;
};
const mac = (u8: Uint8Array, at: number, n: number): string => hex(u8, at, n).replace(/..(?!$)/g, '$&:');

/** DHCP (RFC 2131, options of RFC 2132). Each message is an event in EVE's extended form. */
class DhcpParser implements AppParser {
  readonly protocol = 'dhcp';
  private nextId = 0;
  private bad = false;

  data(c: AppContext, flow: Flow, d: Direction, at: number, length: number): number {
    const { u8 } = c.arena;
    if (length < FIXED + 4 || u32(u8, at + FIXED) !== COOKIE) return -1;
    const f: Record<string, unknown> = {
      type: u8[at] === 1 ? 'request' : 'reply',
      id: u32(u8, at + 4),
      client_mac: mac(u8, at + 28, Math.min(u8[at + 2]!, 16)),
      assigned_ip: ip(u8, at + 16),
      client_ip: ip(u8, at + 12),
      relay_ip: ip(u8, at + 24),
      next_server_ip: ip(u8, at + 20),
    };
    const tx = new PlainTransaction(this.nextId++, 'dhcp', f);
    this.bad = false;
    let overload = this.options(c, f, at + FIXED + 4, at + length);
    // option 52 (RFC 2132 9.3): the fields of file name and server name carry options too
    if ((overload & 1) !== 0) overload |= this.options(c, f, at + 108, at + 236) & 0;
    if ((overload & 2) !== 0) this.options(c, f, at + 44, at + 108);
    if (this.bad) c.anomaly(flow, 'dhcp', 'malformed_options', tx.id);
    c.inspect(flow, tx, u8[at] === 1 ? Stage.RequestHead : Stage.ResponseHead);
    c.event(flow, 'dhcp', f, tx.id, d);
    return length;
  }

  /** @returns the overload option's value. */
  private options(c: AppContext, f: Record<string, unknown>, at: number, end: number): number {
    const { u8 } = c.arena;
    let overload = 0;
    for (let p = at, i = 0; p < end && i < MAX_OPTIONS; i++) {
      const code = u8[p++]!;
      if (code === 0) continue;
      if (code === 255) break;
      const n = p < end ? u8[p++]! : 0;
      if (p + n > end) {
        this.bad = true;
        break;
      }
      if (code === 52 && n === 1) overload = u8[p]! & 3;
      else this.option(c, f, code, p, n);
      p += n;
    }
    return overload;
  }

  private option(c: AppContext, f: Record<string, unknown>, code: number, p: number, n: number): void {
    const { u8 } = c.arena;
    const time = (key: string, id: number): void => {
      f[key] = u32(u8, p);
      c.buffers.addNumber(id, u32(u8, p));
    };
    if (code === 53 && n === 1) f['dhcp_type'] = TYPES[u8[p]!] ?? `unknown (${u8[p]})`;
    else if (code === 61 && n > 1) f['client_id'] = u8[p] === 1 && n === 7 ? mac(u8, p + 1, 6) : hex(u8, p, n).replace(/..(?!$)/g, '$&:');
    else if (code === 12) f['hostname'] = printable(u8, p, n);
    else if (code === 15) f['domain'] = printable(u8, p, n);
    else if (code === 60) f['vendor_class_identifier'] = printable(u8, p, n);
    else if (code === 66) f['tftp_server_name'] = printable(u8, p, n);
    else if (code === 67) f['bootfile_name'] = printable(u8, p, n);
    else if (code === 252) f['proxy_autodiscovery'] = printable(u8, p, n);
    else if (code === 50 && n === 4) f['requested_ip'] = ip(u8, p);
    else if (code === 54 && n === 4) f['server_id'] = ip(u8, p);
    else if (code === 1 && n === 4) f['subnet_mask'] = ip(u8, p);
    else if (code === 3 && n >= 4) f['routers'] = ips(u8, p, n);
    else if (code === 6 && n >= 4) f['dns_servers'] = ips(u8, p, n);
    else if (code === 51 && n === 4) time('lease_time', B['dhcp.leasetime']);
    else if (code === 58 && n === 4) time('renewal_time', B['dhcp.renewal_time']);
    else if (code === 59 && n === 4) time('rebinding_time', B['dhcp.rebinding_time']);
    else if (code === 57 && n === 2) f['max_message_size'] = u16(u8, p);
    else if (code === 55) f['params'] = Array.from(u8.subarray(p, p + n), (v) => PARAMS[v] ?? `unknown (${v})`);
  }

  gap(): boolean {
    return true;
  }
  end(): void {
    // every message stands for itself
  }
}

export const dhcp: ProtocolEntry = {
  protocol: 'dhcp',
  transport: 'udp',
  ports: [67, 68],
  identify: (u8, at, length) =>
    length >= FIXED + 4 && (u8[at] === 1 || u8[at] === 2) && u8[at + 2]! <= 16 && u32(u8, at + FIXED) === COOKIE ? 1 : -1,
  isServers: (u8, at) => u8[at] === 2,
  create: () => new DhcpParser(),
};
