import type { EveEvent } from '../../contracts/event.js';
import { ConnectionKind, type ConnectionRecord } from '../flow/connection-log.js';
import { flowOf, numberOf, textsOf, type Behaviour, type BehaviourHit, type BehaviourRule, type Emit, type MakeBehaviour } from './behaviour.js';
import { textOf } from './hosts.js';
import { Distinct, WindowTable } from './windows.js';

/** Pairs and clients followed at once. */
const MAX_FOLLOWED = 16_384;
const SHOWN = 10;

const SVCCTL = '367abb81-9844-35f1-ad32-98f038001003';
const ATSVC = ['1ff70682-0a51-30e8-076d-740be8cee98b', '86d35949-83c9-4044-b424-db363231fd0c'];
const WMI = ['9556dc99-828c-11cf-a37e-00aa003240c7', 'f309ad18-d86a-11d0-a075-00c04fb68820', '4d9f4ab8-7d1c-11cf-861e-0020af6e7c57', '000001a0-0000-0000-c000-000000000046'];
const DRSUAPI = 'e3514235-4b06-11d1-ab04-00c04fc2dcd2';
const SAMR = '12345778-1234-abcd-ef00-0123456789ac';
const SRVSVC = '4b324fc8-1670-01d3-1278-5a47bf6ee188';
const WKSSVC = '6bffd098-a112-3610-9833-46c3f87e345a';
const SPOOLSS = ['12345678-1234-abcd-ef00-0123456789ab', '76f03f96-cdfd-44fc-a22c-64950a001209'];
const EFS = ['c681d488-d850-11d0-8c52-00c04fd90f7e', 'df1941c5-fe89-4e79-bf10-463657acf44d'];

interface Rpc { request?: string; interfaces?: { uuid?: string }[]; req?: { opnum?: number; stub_data_size?: number } }
interface Smb { command?: string; status?: string; filename?: string; share?: string; named_pipe?: string }

interface Pair {
  firstUs: number;
  lastUs: number;
  client: string;
  server: string;
  node: string | undefined;
  flow: BehaviourHit['flow'];
  admin: boolean;
  written: string;
  created: boolean;
  started: boolean;
  output: string;
  scheduler: number;
  wmi: number;
  told: number;
}

/**
 * Execution on another host over SMB, the service control manager, the task scheduler or WMI: a service is created (and
 * started), with a program written to an administrative share or a command's output read back. Parameter: `seconds`.
 */
class RemoteExecution implements Behaviour {
  readonly types = ['smb', 'dcerpc'] as const;
  private readonly pairs: WindowTable<string, Pair>;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.pairs = new WindowTable(MAX_FOLLOWED, numberOf(rule, 'seconds', 900) * 1e6);
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const { src_ip = '', dest_ip = '' } = event;
    const smb = event.event_type === 'smb' ? (event.smb as Smb) : undefined;
    const rpc = smb ? undefined : (event.dcerpc as Rpc);
    if (rpc && rpc.request !== 'REQUEST' && rpc.req === undefined && !WMI.includes(rpc.interfaces?.[0]?.uuid ?? '')) return;
    const key = `${src_ip} ${dest_ip}`;
    let pair = this.pairs.find(key, timeUs);
    if (pair === undefined) {
      // Only what belongs to such an execution opens an entry: most of SMB is files.
      const uuid = rpc?.interfaces?.[0]?.uuid ?? '';
      const about = smb ? /(?:admin|c|ipc)\$$/i.test(smb.share ?? '') || smb.named_pipe !== undefined : uuid === SVCCTL || ATSVC.includes(uuid) || WMI.includes(uuid);
      if (!about) return;
      pair = this.pairs.add(key, {
        firstUs: timeUs, lastUs: timeUs, client: src_ip, server: dest_ip, node: event.host, flow: flowOf(event), admin: false, written: '', created: false, started: false,
        output: '', scheduler: 0, wmi: 0, told: 0,
      });
    }
    pair.lastUs = timeUs;
    if (smb) this.file(pair, smb);
    else this.call(pair, rpc!);
    this.judge(pair);
  }

  private file(pair: Pair, smb: Smb): void {
    if (smb.status !== undefined && smb.status !== 'STATUS_SUCCESS' && smb.status !== 'STATUS_PENDING') return;
    if (/(?:admin|[a-z])\$$/i.test(smb.share ?? '') && !/ipc\$$/i.test(smb.share ?? '')) pair.admin = true;
    const name = smb.filename ?? '';
    if (pair.admin && /\.(?:exe|dll|bat|cmd|ps1|vbs)$/i.test(name)) pair.written = name;
    // wmiexec, smbexec and atexec read a command's output from a file they name themselves.
    if (/(?:^|\\)(?:__\d{9,}(?:\.\d+)?|__output(?:_\w+)?|temp\\\w{8}\.tmp)$/i.test(name)) pair.output = name;
  }

  private call(pair: Pair, rpc: Rpc): void {
    const uuid = rpc.interfaces?.[0]?.uuid ?? '';
    const opnum = rpc.req?.opnum ?? -1;
    // [MS-SCMR] RCreateServiceW 12, RCreateServiceA 24, RCreateServiceWOW64W 60; RStartServiceW 19, RStartServiceA 31.
    if (uuid === SVCCTL) {
      if (opnum === 12 || opnum === 24 || opnum === 45 || opnum === 60) pair.created = true;
      if (opnum === 19 || opnum === 31) pair.started = true;
    } else if (ATSVC.includes(uuid)) {
      // [MS-TSCH] SchRpcRegisterTask 1, SchRpcRun 12; NetrJobAdd 0.
      if (uuid === ATSVC[0] ? opnum === 0 : opnum === 1 || opnum === 12) pair.scheduler++;
    } else if (WMI.includes(uuid) && opnum >= 3) pair.wmi++;
  }

  private judge(pair: Pair): void {
    const service = pair.created;
    const output = pair.output !== '';
    const level = service && pair.started && (pair.written !== '' || output) ? 4 : output && (pair.wmi > 0 || pair.admin) ? 3
      : pair.scheduler > 0 && output ? 3 : service || pair.scheduler > 0 ? 2 : pair.wmi > 1 ? 1 : 0;
    if (level <= pair.told) return;
    pair.told = level;
    const how = service ? { zh: '远程创建系统服务', en: 'a service was created remotely' } : pair.scheduler > 0 ? { zh: '远程创建计划任务', en: 'a scheduled task was created remotely' }
      : { zh: '经 WMI 远程调用', en: 'WMI was called remotely' };
    const more: [string, string][] = [];
    if (pair.started) more.push(['并启动', 'and started']);
    if (pair.written !== '') more.push([`管理共享中写入 ${pair.written}`, `${pair.written} was written to an administrative share`]);
    if (output) more.push([`读取命令输出文件 ${pair.output}`, `a command's output was read from ${pair.output}`]);
    const done = level >= 3;
    this.emit({
      rule: this.rule, verdict: done ? 'compromised' : 'attempted', severity: done ? 'critical' : level === 1 ? 'low' : this.rule.info.severity,
      because: { zh: `${[how.zh, ...more.map((m) => m[0])].join('，')}。`, en: `${[how.en, ...more.map((m) => m[1])].join(', ')}.` },
      attacker: { ip: pair.client }, victim: { ip: pair.server, port: 445 }, proto: 'TCP', app: 'smb', firstUs: pair.firstUs, lastUs: pair.lastUs, count: 1,
      measured: { way: service ? 'service' : pair.scheduler > 0 ? 'task' : 'wmi', ...(pair.written !== '' && { written: pair.written }), ...(output && { output: pair.output }) },
      key: service ? 'service' : pair.scheduler > 0 ? 'task' : 'wmi', source: -1, ...(pair.node !== undefined && { node: pair.node }), ...(pair.flow && { flow: pair.flow }),
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

/**
 * DCSync: replication of secrets is asked for by a host that is no domain controller. A controller is known by answering
 * Kerberos or replication itself, or by `controllers`.
 */
class DcSync implements Behaviour {
  readonly types = ['dcerpc', 'krb5'] as const;
  private readonly controllers = new Distinct<string>(4096);
  private readonly told = new Distinct<string>(4096);
  readonly evicted = 0;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    for (const ip of textsOf(rule, 'controllers')) this.controllers.add(ip);
  }

  get held(): number {
    return this.told.size;
  }

  event(event: EveEvent, timeUs: number): void {
    const { src_ip = '', dest_ip = '' } = event;
    if (event.event_type === 'krb5') {
      // An answer of a key distribution centre.
      if (/^KRB_(?:AS|TGS)_REP$/.test(String((event.krb5 as { msg_type?: string }).msg_type))) this.controllers.add(src_ip);
      return;
    }
    const rpc = event.dcerpc as Rpc;
    // [MS-DRSR] IDL_DRSGetNCChanges 3.
    if (rpc.interfaces?.[0]?.uuid !== DRSUAPI || rpc.req?.opnum !== 3) return;
    if (this.controllers.has(src_ip)) return;
    this.emit({
      rule: this.rule, verdict: 'succeeded', severity: this.rule.info.severity,
      because: {
        zh: `非域控主机 ${src_ip} 向域控 ${dest_ip} 请求目录复制（DRSUAPI GetNCChanges），可导出全域口令散列。`,
        en: `${src_ip}, which is no domain controller, asked ${dest_ip} to replicate the directory (DRSUAPI GetNCChanges), which yields the password digests of the domain.`,
      },
      attacker: { ip: src_ip }, victim: { ip: dest_ip, port: event.dest_port ?? 0 }, proto: 'TCP', app: 'dcerpc', firstUs: timeUs, lastUs: timeUs, count: 1,
      measured: { operation: 'GetNCChanges' }, key: '', source: -1, ...(event.host !== undefined && { node: event.host }), flow: flowOf(event),
    });
  }

  advance(): void {
    // nothing ends
  }

  flush(): void {
    // nothing waits
  }
}

interface Tickets {
  firstUs: number;
  lastUs: number;
  client: string;
  server: string;
  node: string | undefined;
  weak: Distinct<string>;
  roasted: Distinct<string>;
  told: number;
}

/**
 * Kerberoasting and AS-REP roasting: RC4 tickets of several services, or answers without pre-authentication for several
 * accounts, within a short time. Parameters: `tickets` (distinct services), `accounts` (without pre-authentication), `seconds`.
 */
class Roasting implements Behaviour {
  readonly types = ['krb5'] as const;
  private readonly clients: WindowTable<string, Tickets>;
  private readonly tickets: number;
  private readonly accounts: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.tickets = numberOf(rule, 'tickets', 4);
    this.accounts = numberOf(rule, 'accounts', 2);
    this.clients = new WindowTable(MAX_FOLLOWED, numberOf(rule, 'seconds', 300) * 1e6);
  }

  get held(): number {
    return this.clients.size;
  }

  get evicted(): number {
    return this.clients.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const krb = event.krb5 as { msg_type?: string; cname?: string; sname?: string; realm?: string; ticket_weak_encryption?: boolean; weak_encryption?: boolean };
    const answer = krb.msg_type === 'KRB_TGS_REP' || krb.msg_type === 'KRB_AS_REP';
    if (!answer || krb.ticket_weak_encryption !== true) return;
    const client = event.dest_ip ?? '';
    const one = this.clients.find(client, timeUs) ?? this.clients.add(client, {
      firstUs: timeUs, lastUs: timeUs, client, server: event.src_ip ?? '', node: event.host, weak: new Distinct(512), roasted: new Distinct(512), told: 0,
    });
    one.lastUs = timeUs;
    if (krb.msg_type === 'KRB_TGS_REP') {
      if (/^krbtgt\b/i.test(krb.sname ?? '')) return;
      one.weak.add(krb.sname ?? '');
    } else one.roasted.add(krb.cname ?? '');
    const count = one.weak.size + one.roasted.size;
    if ((one.weak.size < this.tickets && one.roasted.size < this.accounts) || count < one.told * 2) return;
    one.told = count;
    const kerberoast = one.weak.size >= this.tickets;
    const named = (kerberoast ? one.weak : one.roasted).first(SHOWN);
    this.emit({
      rule: this.rule, verdict: 'succeeded', severity: this.rule.info.severity,
      because: kerberoast
        ? { zh: `短时间内取得 ${one.weak.size} 个服务的 RC4 票据（${named.slice(0, 4).join('、')}），可离线破解服务账号口令。`, en: `RC4 tickets of ${one.weak.size} services were obtained within a short time (${named.slice(0, 4).join(', ')}); their passwords can be cracked offline.` }
        : { zh: `短时间内为 ${one.roasted.size} 个账号取得 RC4 应答（${named.slice(0, 4).join('、')}），可离线破解口令。`, en: `RC4 answers for ${one.roasted.size} accounts were obtained within a short time (${named.slice(0, 4).join(', ')}); their passwords can be cracked offline.` },
      attacker: { ip: one.client }, victim: { ip: one.server, port: 88 }, proto: 'TCP', app: 'krb5', firstUs: one.firstUs, lastUs: one.lastUs, count,
      measured: { services: one.weak.size, accounts: one.roasted.size, examples: named }, key: kerberoast ? 'tgs' : 'as', source: -1,
      ...(one.node !== undefined && { node: one.node }),
    });
  }

  advance(nowUs: number): void {
    this.clients.advance(nowUs);
  }

  flush(): void {
    this.clients.flush();
  }
}

interface Enumerating {
  firstUs: number;
  lastUs: number;
  client: string;
  first: string;
  node: string | undefined;
  hosts: Distinct<string>;
  interfaces: Distinct<string>;
  calls: number;
  told: number;
}

const ENUMERATED: Readonly<Record<string, string>> = { [SAMR]: 'samr', [SRVSVC]: 'srvsvc', [WKSSVC]: 'wkssvc' };

/**
 * Enumeration of a domain: one client asks many hosts for their sessions, shares and local groups (as BloodHound does), or
 * one host for all its accounts. Parameters: `hosts`, `calls` (of one host), `seconds`.
 */
class DomainEnumeration implements Behaviour {
  readonly types = ['dcerpc'] as const;
  private readonly clients: WindowTable<string, Enumerating>;
  private readonly hosts: number;
  private readonly calls: number;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.hosts = numberOf(rule, 'hosts', 8);
    this.calls = numberOf(rule, 'calls', 60);
    this.clients = new WindowTable(MAX_FOLLOWED, numberOf(rule, 'seconds', 300) * 1e6);
  }

  get held(): number {
    return this.clients.size;
  }

  get evicted(): number {
    return this.clients.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const rpc = event.dcerpc as Rpc;
    const name = ENUMERATED[rpc.interfaces?.[0]?.uuid ?? ''];
    if (name === undefined || rpc.req === undefined) return;
    const client = event.src_ip ?? '';
    const one = this.clients.find(client, timeUs) ?? this.clients.add(client, {
      firstUs: timeUs, lastUs: timeUs, client, first: event.dest_ip ?? '', node: event.host, hosts: new Distinct(4096), interfaces: new Distinct(8), calls: 0, told: 0,
    });
    one.lastUs = timeUs;
    one.calls++;
    one.hosts.add(event.dest_ip ?? '');
    one.interfaces.add(name);
    if ((one.hosts.size < this.hosts && one.calls < this.calls) || one.calls < one.told * 2) return;
    one.told = one.calls;
    const seconds = Math.max(1, Math.round((one.lastUs - one.firstUs) / 1e6));
    this.emit({
      rule: this.rule, verdict: 'attempted', severity: this.rule.info.severity,
      because: {
        zh: `${seconds} 秒内经 ${one.interfaces.first(4).join('、')} 向 ${one.hosts.size} 台主机查询账号、会话与共享 ${one.calls} 次。`,
        en: `Asked ${one.hosts.size} host(s) for accounts, sessions and shares ${one.calls} times within ${seconds} s, over ${one.interfaces.first(4).join(', ')}.`,
      },
      attacker: { ip: one.client }, victim: { ip: one.first, port: 445 }, proto: 'TCP', app: 'dcerpc', firstUs: one.firstUs, lastUs: one.lastUs, count: one.calls,
      measured: { hosts: one.hosts.size, calls: one.calls, interfaces: one.interfaces.first(4) }, anyVictim: true, key: '', source: -1,
      ...(one.node !== undefined && { node: one.node }),
    });
  }

  advance(nowUs: number): void {
    this.clients.advance(nowUs);
  }

  flush(): void {
    this.clients.flush();
  }
}

interface Coerced { firstUs: number; client: string; server: string; how: string; flow: BehaviourHit['flow']; node: string | undefined }

/**
 * Coerced authentication: a host is told over the print or encryption service to log in somewhere, and connects back to
 * whoever told it. Parameter: `seconds` (between the two).
 */
class Coercion implements Behaviour {
  readonly types = ['dcerpc'] as const;
  private readonly pairs: WindowTable<string, Coerced>;

  constructor(private readonly rule: BehaviourRule, private readonly emit: Emit) {
    this.pairs = new WindowTable(MAX_FOLLOWED, numberOf(rule, 'seconds', 60) * 1e6);
  }

  get held(): number {
    return this.pairs.size;
  }

  get evicted(): number {
    return this.pairs.evicted;
  }

  event(event: EveEvent, timeUs: number): void {
    const rpc = event.dcerpc as Rpc;
    const uuid = rpc.interfaces?.[0]?.uuid ?? '';
    const opnum = rpc.req?.opnum ?? -1;
    // [MS-RPRN] RpcRemoteFindFirstPrinterChangeNotification 62, …Ex 65; [MS-EFSR] EfsRpcOpenFileRaw 0, EfsRpcEncryptFileSrv 4 …
    const how = SPOOLSS.includes(uuid) && (opnum === 62 || opnum === 65) ? 'MS-RPRN' : EFS.includes(uuid) && opnum >= 0 && rpc.req !== undefined ? 'MS-EFSR' : '';
    if (how === '') return;
    const { src_ip = '', dest_ip = '' } = event;
    const one: Coerced = { firstUs: timeUs, client: src_ip, server: dest_ip, how, flow: flowOf(event), node: event.host };
    this.pairs.delete(dest_ip);
    this.pairs.add(dest_ip, one);
    this.tell(one, timeUs, '');
  }

  connection(r: ConnectionRecord): void {
    if (this.pairs.size === 0 || r.kind !== ConnectionKind.Answered || (r.dstPort !== 445 && r.dstPort !== 80 && r.dstPort !== 139)) return;
    const one = this.pairs.find(textOf(r.src), r.timeUs);
    if (one !== undefined && textOf(r.dst) !== one.server) this.tell(one, r.timeUs, `${textOf(r.dst)}:${r.dstPort}`);
  }

  private tell(one: Coerced, timeUs: number, back: string): void {
    const came = back !== '';
    this.emit({
      rule: this.rule, verdict: came ? 'succeeded' : 'attempted', severity: came ? 'critical' : this.rule.info.severity,
      because: {
        zh: `经 ${one.how} 要求 ${one.server} 向指定主机认证${came ? `；该主机随后连接了 ${back}，其凭据可被中继` : '，未见回连'}。`,
        en: `${one.server} was told over ${one.how} to log in elsewhere${came ? `, and then connected to ${back}: its credentials can be relayed` : '; it was not seen to connect'}.`,
      },
      attacker: { ip: one.client }, victim: { ip: one.server, port: 445 }, proto: 'TCP', app: 'dcerpc', firstUs: one.firstUs, lastUs: timeUs, count: 1,
      measured: { interface: one.how, ...(came && { connected: back }) }, key: one.how, source: -1, ...(one.node !== undefined && { node: one.node }), ...(one.flow && { flow: one.flow }),
    });
  }

  advance(nowUs: number): void {
    this.pairs.advance(nowUs);
  }

  flush(): void {
    this.pairs.flush();
  }
}

/** Services, tasks and WMI used to run programs elsewhere. */
export const remoteExecution: MakeBehaviour = (rule, emit) => new RemoteExecution(rule, emit);
/** Directory replication asked for by no controller. */
export const dcSync: MakeBehaviour = (rule, emit) => new DcSync(rule, emit);
/** RC4 tickets in bursts. */
export const roasting: MakeBehaviour = (rule, emit) => new Roasting(rule, emit);
/** Accounts, sessions and shares asked for far and wide. */
export const domainEnumeration: MakeBehaviour = (rule, emit) => new DomainEnumeration(rule, emit);
/** A host is made to log in to its attacker. */
export const coercion: MakeBehaviour = (rule, emit) => new Coercion(rule, emit);
