import { closeSync, openSync, writeSync } from 'node:fs';
import { Random } from './random.js';

/** What a capture is made of. */
export interface TrafficOptions {
  seed: number;
  /** Size of the file, about. */
  bytes: number;
  /** `mixed`: everything; `http`: web traffic only. */
  kind: 'mixed' | 'http';
  /** An attack request in so many web transactions (default 500); 0 for none. */
  attackEvery?: number;
}

export interface TrafficSummary { packets: number; bytes: number; sessions: number; attacks: Record<string, number> }

const MSS = 1448;
const CHUNK = 4 << 20;
/** Sessions that are open at the same time, so that their packets interleave. */
const CONCURRENT = 400;

/** Requests with the marks of real attacks, so that rules have something to find. `@` is replaced by random words. */
const ATTACKS: Record<string, (r: Random) => [request: string, response: string]> = {
  'sql-injection': (r) => [`GET /item.php?id=${r.below(999)}%20UNION%20SELECT%201,concat(user(),0x3a,version()),3--%20 HTTP/1.1\r\nHost: www.${r.word(6)}.gov.cn\r\nUser-Agent: sqlmap/1.3.6\r\nAccept: */*\r\n\r\n`, page(r, 200, 900)],
  'struts2-s2-045': (r) => [`POST /login.action HTTP/1.1\r\nHost: oa.${r.word(5)}.gov.cn\r\nContent-Type: %{(#nike='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#_memberAccess?(#_memberAccess=#dm):(#cmd='id'))}\r\nContent-Length: 0\r\n\r\n`, response(200, 'text/plain', Buffer.from('uid=0(root) gid=0(root) groups=0(root)\n'))],
  'path-traversal': (r) => [`GET /download?file=../../../../../../etc/passwd HTTP/1.1\r\nHost: ${r.word(7)}.gov.cn\r\nUser-Agent: curl/7.64.0\r\n\r\n`, response(200, 'text/plain', Buffer.from('root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/sbin/nologin\n'))],
  thinkphp: (r) => [`GET /index.php?s=/Index/\\think\\app/invokefunction&function=call_user_func_array&vars[0]=phpinfo&vars[1][]=1 HTTP/1.1\r\nHost: ${r.word(8)}.gov.cn\r\n\r\n`, page(r, 404, 300)],
  webshell: (r) => {
    const body = `${r.word(3)}=@eval(base64_decode($_POST[z0]));&z0=QGluaV9zZXQoImRpc3BsYXlfZXJyb3JzIiwiMCIpO0BzZXRfdGltZV9saW1pdCgwKTs=`;
    return [`POST /upload/${r.word(5)}.php HTTP/1.1\r\nHost: ${r.word(6)}.gov.cn\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`, response(200, 'text/html', Buffer.from('->|/var/www/html\t/\tLinux|<-'))];
  },
};

function response(status: number, type: string, body: Buffer): string {
  return `HTTP/1.1 ${status} ${status === 200 ? 'OK' : 'Not Found'}\r\nServer: nginx/1.16.1\r\nDate: Tue, 01 Oct 2019 08:00:00 GMT\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\nConnection: keep-alive\r\n\r\n${body.toString('latin1')}`;
}

const WORDS = '通知 公告 政务 服务 数据 平台 监督 整改 the of and to in government service notice data public document report city province table class href div span script function return value window'.split(' ');
function page(r: Random, status: number, length: number): string {
  let s = '<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>';
  while (s.length < length) s += `${r.pick(WORDS)}${r.chance(0.2) ? `</p>\n<p class="${r.word(5)}">` : ' '}`;
  return response(status, 'text/html; charset=utf-8', Buffer.from(`${s}</body></html>`));
}

const AGENTS = ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/76.0.3809.132 Safari/537.36', 'Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko', 'Mozilla/5.0 (Linux; Android 9; HMA-AL00) AppleWebKit/537.36 Mobile Safari/537.36'];

/** How often each kind of session starts: many short ones, few long ones, about 450 bytes a packet in all. */
const WEIGHTS = { http: 14, tls: 12, dns: 400, smb: 1, ssh: 46, bulk: 1, scan: 150 };
const SESSIONS = Object.entries(WEIGHTS).flatMap(([kind, n]) => Array.from({ length: n }, () => kind));

const SSH_LISTS = ['curve25519-sha256,ecdh-sha2-nistp256', 'rsa-sha2-512,ssh-ed25519', ...['aes128-ctr,aes256-ctr', 'hmac-sha2-256', 'none,zlib@openssh.com', ''].flatMap((l) => [l, l])];

/** One side's payload after another: [from the client?, bytes]. */
type Talk = [boolean, Buffer][];

interface Session { protocol: 6 | 17; client: number; server: number; clientPort: number; serverPort: number; talk: Talk; scan?: boolean }

class Maker {
  readonly random: Random;
  readonly attacks: Record<string, number> = {};
  private web = 0;
  /** A pool of bodies, so that making a GiB does not cost a GiB of random numbers. */
  private readonly pool: Buffer;
  private readonly pages: string[] = [];

  constructor(private readonly options: TrafficOptions) {
    this.random = new Random(options.seed);
    this.pool = this.random.bytes(1 << 20);
    for (let i = 0; i < 64; i++) this.pages.push(page(this.random, 200, this.random.between(800, 60_000)));
  }

  private opaque(length: number): Buffer {
    const at = this.random.below(this.pool.length - Math.min(length, this.pool.length - 1));
    return this.pool.subarray(at, at + length);
  }

  private inside(): number {
    return (10 << 24) | (42 << 16) | (this.random.below(18) << 8) | this.random.between(2, 250);
  }

  private outside(): number {
    return ((this.random.between(20, 200) << 24) | this.random.below(1 << 24)) >>> 0;
  }

  session(): Session {
    const r = this.random;
    const base = { client: this.inside(), server: this.inside(), clientPort: r.between(20000, 65000) };
    const kind = this.options.kind === 'http' ? 'http' : r.pick(SESSIONS);
    if (kind === 'http') return { ...base, protocol: 6, serverPort: r.chance(0.8) ? 80 : 8080, talk: this.http() };
    if (kind === 'tls') return { ...base, protocol: 6, server: this.outside(), serverPort: 443, talk: this.tls() };
    if (kind === 'dns') return { ...base, protocol: 17, serverPort: 53, talk: this.dns() };
    if (kind === 'smb') return { ...base, protocol: 6, serverPort: 445, talk: this.smb() };
    if (kind === 'ssh') return { ...base, protocol: 6, serverPort: 22, talk: this.ssh() };
    if (kind === 'bulk') return { ...base, protocol: 6, serverPort: r.between(9000, 9100), talk: this.bulk() };
    return { ...base, protocol: 6, serverPort: r.below(65535), talk: [], scan: true };
  }

  private http(): Talk {
    const r = this.random;
    const talk: Talk = [];
    const host = `${r.word(7)}.gov.cn`;
    const requests = r.between(1, 8);
    for (let i = 0; i < requests; i++) {
      const every = this.options.attackEvery ?? 500;
      if (every > 0 && ++this.web % every === 0) {
        const name = r.pick(Object.keys(ATTACKS));
        const [request, answer] = ATTACKS[name]!(r);
        this.attacks[name] = (this.attacks[name] ?? 0) + 1;
        talk.push([true, Buffer.from(request, 'latin1')], [false, Buffer.from(answer, 'latin1')]);
        continue;
      }
      const post = r.chance(0.15);
      const body = post ? `name=${r.word(8)}&token=${r.word(24)}&content=${r.word(r.between(10, 400))}` : '';
      const head = `${post ? 'POST' : 'GET'} /${r.word(5)}/${r.word(8)}.${r.pick(['html', 'do', 'jsp', 'js', 'css', 'png', 'json'])}?id=${r.below(1e6)}&t=${r.word(6)} HTTP/1.1\r\nHost: ${host}\r\nConnection: keep-alive\r\nUser-Agent: ${r.pick(AGENTS)}\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nReferer: http://${host}/${r.word(6)}\r\nAccept-Encoding: identity\r\nAccept-Language: zh-CN,zh;q=0.9\r\nCookie: JSESSIONID=${r.word(32)}; lang=zh\r\n${post ? `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n` : ''}\r\n${body}`;
      talk.push([true, Buffer.from(head, 'latin1')]);
      if (r.chance(0.6)) talk.push([false, Buffer.from(r.pick(this.pages), 'latin1')]);
      else {
        const image = this.opaque(r.between(2_000, 200_000));
        talk.push([false, Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nServer: Apache\r\nContent-Type: ${r.pick(['image/png', 'application/octet-stream', 'video/mp4'])}\r\nContent-Length: ${image.length}\r\n\r\n`), image])]);
      }
    }
    return talk;
  }

  private tls(): Talk {
    const r = this.random;
    const name = Buffer.from(`www.${r.word(9)}.com`);
    const sni = Buffer.concat([u16(0), u16(name.length + 5), u16(name.length + 3), Buffer.from([0]), u16(name.length), name]);
    const groups = Buffer.from('000a00080006001d00170018', 'hex');
    const extensions = Buffer.concat([sni, groups]);
    const hello = Buffer.concat([Buffer.from([3, 3]), r.bytes(32), Buffer.from([0]), u16(8), Buffer.from('c02bc02fc02cc030', 'hex'), Buffer.from([1, 0]), u16(extensions.length), extensions]);
    const serverHello = Buffer.concat([Buffer.from([3, 3]), r.bytes(32), Buffer.from([0]), Buffer.from('c02f00', 'hex'), u16(0)]);
    const record = (type: number, body: Buffer) => Buffer.concat([Buffer.from([type, 3, 3]), u16(body.length), body]);
    const handshake = (type: number, body: Buffer) => record(22, Buffer.concat([Buffer.from([type, 0]), u16(body.length), body]));
    const talk: Talk = [[true, handshake(1, hello)], [false, handshake(2, serverHello)], [true, record(20, Buffer.from([1]))], [false, record(20, Buffer.from([1]))]];
    for (let i = r.between(1, 6); i > 0; i--) {
      talk.push([true, record(23, this.opaque(r.between(100, 900)))]);
      for (let k = r.between(1, 8); k > 0; k--) talk.push([false, record(23, this.opaque(r.between(500, 16_000)))]);
    }
    return talk;
  }

  private dns(): Talk {
    const r = this.random;
    const labels = [r.word(r.between(2, 8)), r.word(r.between(4, 12)), r.pick(['com', 'cn', 'net', 'org'])];
    const name = Buffer.concat([...labels.map((l) => Buffer.concat([Buffer.from([l.length]), Buffer.from(l)])), Buffer.from([0])]);
    const id = r.bytes(2);
    const question = Buffer.concat([name, Buffer.from([0, 1, 0, 1])]);
    const query = Buffer.concat([id, Buffer.from('01000001000000000000', 'hex'), question]);
    const answer = Buffer.concat([id, Buffer.from('81800001000100000000', 'hex'), question, Buffer.from('c00c000100010000012c0004', 'hex'), r.bytes(4)]);
    return [[true, query], [false, answer]];
  }

  private smb(): Talk {
    const r = this.random;
    const message = (command: number, flags: number, body: Buffer, id: number) => {
      const header = Buffer.alloc(64);
      header.write('\xfeSMB', 0, 'latin1');
      header.writeUInt16LE(64, 4);
      header.writeUInt16LE(command, 12);
      header.writeUInt32LE(flags, 16);
      header.writeUInt32LE(id, 24);
      const all = Buffer.concat([header, body]);
      const netbios = Buffer.alloc(4);
      netbios.writeUInt32BE(all.length);
      return Buffer.concat([netbios, all]);
    };
    const talk: Talk = [[true, message(0, 0, Buffer.from('24000200010000007f000000', 'hex'), 0)], [false, message(0, 1, Buffer.concat([Buffer.from('4100', 'hex'), Buffer.alloc(62)]), 0)]];
    for (let i = 1; i < r.between(2, 12); i++) {
      const read = Buffer.alloc(48);
      read.writeUInt16LE(49);
      talk.push([true, message(8, 0, read, i)]);
      const data = this.opaque(r.between(1000, 60_000));
      const reply = Buffer.alloc(16);
      reply.writeUInt16LE(17);
      reply[2] = 80;
      reply.writeUInt32LE(data.length, 4);
      talk.push([false, message(8, 1, Buffer.concat([reply, data]), i)]);
    }
    return talk;
  }

  private ssh(): Talk {
    const r = this.random;
    const packet = (type: number, body: Buffer): Buffer => {
      const pad = 16 - ((6 + body.length) % 8);
      return Buffer.concat([u32(2 + body.length + pad), Buffer.from([pad, type]), body, Buffer.alloc(pad)]);
    };
    const list = (text: string) => Buffer.concat([u32(text.length), Buffer.from(text)]);
    const kexInit = () => packet(20, Buffer.concat([r.bytes(16), ...SSH_LISTS.map(list), Buffer.alloc(5)]));
    const newKeys = packet(21, Buffer.alloc(0));
    const talk: Talk = [
      [false, Buffer.from('SSH-2.0-OpenSSH_7.4\r\n')], [true, Buffer.from('SSH-2.0-OpenSSH_8.0\r\n')], [true, kexInit()], [false, kexInit()],
      [true, packet(30, Buffer.concat([u32(32), r.bytes(32)]))], [false, Buffer.concat([packet(31, r.bytes(280)), newKeys])], [true, newKeys],
    ];
    for (let i = r.between(15, 120); i > 0; i--) talk.push([r.chance(0.5), this.opaque(r.between(36, 200))]);
    return talk;
  }

  private bulk(): Talk {
    return [[true, this.opaque(200)], ...Array.from({ length: this.random.between(4, 30) }, () => [false, this.opaque(60_000)] as [boolean, Buffer])];
  }
}

function u16(n: number): Buffer {
  const b = Buffer.alloc(2);
  b.writeUInt16BE(n);
  return b;
}

function u32(n: number): Buffer {
  const b = Buffer.alloc(4);
  b.writeUInt32BE(n);
  return b;
}

/** Writes a microsecond pcap file; the same options give the same bytes. */
export function makeTraffic(path: string, options: TrafficOptions): TrafficSummary {
  const maker = new Maker(options);
  const r = maker.random;
  const fd = openSync(path, 'w');
  const out = Buffer.alloc(CHUNK + 70_000);
  let fill = 24;
  out.writeUInt32LE(0xa1b2c3d4, 0);
  out.writeUInt16LE(2, 4);
  out.writeUInt16LE(4, 6);
  out.writeUInt32LE(262144, 16);
  out.writeUInt32LE(1, 20);
  let written = 0;
  let packets = 0;
  let sessions = 0;
  let timeUs = 1_569_888_000_000_000;

  const put = (s: Session, fromClient: boolean, flags: number, seq: number, ack: number, data: Buffer, from: number, to: number) => {
    const size = to - from;
    const header = s.protocol === 6 ? 20 : 8;
    const length = 14 + 20 + header + size;
    const at = fill;
    timeUs += 5 + (r.next() & 31);
    out.writeUInt32LE(Math.floor(timeUs / 1e6), at);
    out.writeUInt32LE(timeUs % 1e6, at + 4);
    out.writeUInt32LE(length, at + 8);
    out.writeUInt32LE(length, at + 12);
    const e = at + 16;
    out.writeUInt32BE(0x02000000, e);
    out.writeUInt16BE(fromClient ? 2 : 1, e + 4);
    out.writeUInt32BE(0x02000000, e + 6);
    out.writeUInt16BE(fromClient ? 1 : 2, e + 10);
    out.writeUInt16BE(0x0800, e + 12);
    const ip = e + 14;
    out.writeUInt32BE(0x45000000 | (20 + header + size), ip);
    out.writeUInt32BE(0x00004000, ip + 4);
    out.writeUInt32BE((64 << 24) | (s.protocol << 16), ip + 8);
    out.writeUInt32BE((fromClient ? s.client : s.server) >>> 0, ip + 12);
    out.writeUInt32BE((fromClient ? s.server : s.client) >>> 0, ip + 16);
    let sum = 0;
    for (let i = 0; i < 20; i += 2) sum += out.readUInt16BE(ip + i);
    sum = (sum & 0xffff) + (sum >>> 16);
    out.writeUInt16BE(~((sum & 0xffff) + (sum >>> 16)) & 0xffff, ip + 10);
    const t = ip + 20;
    out.writeUInt16BE(fromClient ? s.clientPort : s.serverPort, t);
    out.writeUInt16BE(fromClient ? s.serverPort : s.clientPort, t + 2);
    if (s.protocol === 6) {
      out.writeUInt32BE(seq >>> 0, t + 4);
      out.writeUInt32BE(ack >>> 0, t + 8);
      out[t + 12] = 0x50;
      out[t + 13] = flags;
      out.writeUInt16BE(64240, t + 14);
      out.writeUInt32BE(0, t + 16);
    } else {
      out.writeUInt16BE(8 + size, t + 4);
      out.writeUInt16BE(0, t + 6);
    }
    data.copy(out, t + header, from, to);
    fill = e + length;
    packets++;
    if (fill >= CHUNK) {
      writeSync(fd, out, 0, fill);
      written += fill;
      fill = 0;
    }
  };
  const none = Buffer.alloc(0);

  /** Yields after each packet, so that sessions interleave. */
  function* play(s: Session): Generator<void> {
    if (s.protocol === 17) {
      for (const [fromClient, data] of s.talk) {
        put(s, fromClient, 0, 0, 0, data, 0, data.length);
        yield;
      }
      return;
    }
    const next: [number, number] = [r.next(), r.next()];
    put(s, true, 2, next[0]!, 0, none, 0, 0);
    next[0]++;
    yield;
    if (s.scan) {
      put(s, false, 20, 0, next[0]!, none, 0, 0);
      return;
    }
    put(s, false, 18, next[1]!, next[0]!, none, 0, 0);
    next[1]++;
    yield;
    put(s, true, 16, next[0]!, next[1]!, none, 0, 0);
    yield;
    for (const [fromClient, data] of s.talk) {
      const me = fromClient ? 0 : 1;
      let unacked = 0;
      for (let at = 0; at < data.length; at += MSS) {
        const end = Math.min(at + MSS, data.length);
        put(s, fromClient, end === data.length ? 24 : 16, next[me]!, next[1 - me]!, data, at, end);
        next[me]! += end - at;
        yield;
        if (++unacked === 2 || end === data.length) {
          unacked = 0;
          put(s, !fromClient, 16, next[1 - me]!, next[me]!, none, 0, 0);
          yield;
        }
      }
    }
    put(s, true, 17, next[0]!++, next[1]!, none, 0, 0);
    yield;
    put(s, false, 17, next[1]!++, next[0]!, none, 0, 0);
    yield;
    put(s, true, 16, next[0]!, next[1]!, none, 0, 0);
  }

  const active: Generator<void>[] = [];
  while (written + fill < options.bytes || active.length > 0) {
    while (active.length < CONCURRENT && written + fill < options.bytes) {
      active.push(play(maker.session()));
      sessions++;
    }
    const i = r.below(active.length);
    // a few packets of one session in a row, as on a real link
    for (let burst = 1 + (r.next() & 3); burst > 0; burst--) {
      if (active[i]!.next().done) {
        active[i] = active[active.length - 1]!;
        active.pop();
        break;
      }
    }
    if (written + fill >= options.bytes * 1.05) break;
  }
  writeSync(fd, out, 0, fill);
  written += fill;
  closeSync(fd);
  return { packets, bytes: written, sessions, attacks: maker.attacks };
}
