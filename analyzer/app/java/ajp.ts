import type { Direction, Flow } from '../../flow/flow.js';
import { B } from '../../match/buffers.js';
import { text, u16 } from '../bytes.js';
import { FrameProtocol } from '../frames.js';
import { PlainTransaction } from '../line-protocol.js';
import { Stage, type AppContext, type ProtocolEntry } from '../parser.js';
import { addString } from '../tls/tls.js';

const METHODS = [
  '',
  'OPTIONS',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'TRACE',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'ACL',
  'REPORT',
];
const ATTRIBUTES = [
  '',
  'context',
  'servlet_path',
  'remote_user',
  'auth_type',
  'query_string',
  'jvm_route',
  'ssl_cert',
  'ssl_cipher',
  'ssl_session',
  'req_attribute',
  'ssl_key_size',
  'secret',
  'stored_method',
];
const HEADERS = [
  '',
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'authorization',
  'connection',
  'content-type',
  'content-length',
  'cookie',
  'cookie2',
  'host',
  'pragma',
  'referer',
  'user-agent',
];

/** Apache JServ Protocol 1.3: requests from a web server to Tomcat, or from an attacker (CVE-2020-1938). */
class AjpParser extends FrameProtocol {
  readonly protocol = 'ajp';
  private tx: PlainTransaction | undefined;

  protected size(u8: Uint8Array, d: Direction, at: number, length: number): number {
    if (length < 4) return 0;
    const magic = u16(u8, at);
    return magic === (d === 0 ? 0x1234 : 0x4142) ? 4 + u16(u8, at + 2) : -1;
  }

  protected frame(c: AppContext, flow: Flow, d: Direction, at: number, length: number): void {
    const { u8 } = c.arena;
    const end = at + length;
    if (d === 1) {
      if (length < 7 || !this.tx) return;
      if (u8[at + 4] === 4) this.tx.fields['status'] = u16(u8, at + 5);
      else if (u8[at + 4] === 3) {
        c.buffers.add(B['http.response_body'], at + 7, Math.min(u16(u8, at + 5), end - at - 7));
        c.inspect(flow, this.tx, Stage.ResponseBody);
      } else if (u8[at + 4] === 5) this.done(c, flow);
      return;
    }
    if (length < 6 || u8[at + 4] !== 2) return;
    this.done(c, flow);
    const tx = (this.tx = new PlainTransaction(this.nextId++, 'ajp', {
      method: METHODS[u8[at + 5]!] ?? String(u8[at + 5]),
    }));
    let p = at + 6;
    let from = 0,
      n = 0;
    const str = (): boolean => {
      if (p + 2 > end) return false;
      n = u16(u8, p);
      if (n === 0xffff) {
        n = 0;
        p += 2;
        return true;
      }
      from = p + 2;
      if (from + n + 1 > end) return false;
      p = from + n + 1;
      return true;
    };
    if (!str()) return; // protocol
    if (!str()) return;
    tx.fields['uri'] = text(u8, from, Math.min(n, 1024));
    c.buffers.add(B['ajp.uri'], from, n);
    for (let i = 0; i < 3; i++) if (!str()) return;
    p += 3; // server port, is_ssl
    if (p + 2 > end) return;
    for (let i = Math.min(u16(u8, p), 128), q = (p += 2); i > 0 && q < end; i--) {
      let name: string;
      if (u8[p] === 0xa0) {
        name = HEADERS[u8[p + 1]!] ?? '';
        p += 2;
      } else {
        if (!str()) return;
        name = text(u8, from, Math.min(n, 64));
      }
      if (!str()) return;
      if (name === 'host') tx.fields['hostname'] = text(u8, from, Math.min(n, 255));
      q = p;
    }
    const attributes: Record<string, string> = {};
    for (let i = 0; p < end && u8[p] !== 0xff && i < 64; i++) {
      let name = ATTRIBUTES[u8[p]!] ?? String(u8[p]);
      p++;
      if (name === 'req_attribute') {
        if (!str()) break;
        name = text(u8, from, Math.min(n, 128));
      } else if (name === 'ssl_key_size') {
        p += 2;
        continue;
      }
      if (!str()) break;
      const value = text(u8, from, Math.min(n, 512));
      attributes[name] = value;
      addString(c, B['ajp.attribute'], `${name}=${value}`);
    }
    tx.fields['attributes'] = attributes;
    c.inspect(flow, tx, Stage.RequestHead);
  }

  private done(c: AppContext, flow: Flow): void {
    if (this.tx) c.event(flow, 'ajp', this.tx.fields, this.tx.id, 0);
    this.tx = undefined;
  }
  override end(c: AppContext, flow: Flow, d: Direction): void {
    if (d === 1) this.done(c, flow);
  }
}

export const ajp: ProtocolEntry = {
  protocol: 'ajp',
  transport: 'tcp',
  ports: [8009],
  identify: (u8, at, length, d) => {
    if (length < 5)
      return length >= 2 && u16(u8, at) !== (d === 0 ? 0x1234 : 0x4142)
        ? -1
        : length === 1 && u8[at] !== 0x12 && u8[at] !== 0x41
          ? -1
          : 0;
    const kind = u8[at + 4]!;
    return d === 0
      ? u16(u8, at) === 0x1234 && (kind === 2 || kind === 7 || kind === 8 || kind === 10)
        ? 1
        : -1
      : u16(u8, at) === 0x4142 && kind >= 3 && kind <= 9
        ? 1
        : -1;
  },
  create: () => new AjpParser(),
};
