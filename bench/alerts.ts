/** Alerts as a province's analyzers would send them in a bad hour, and the registry that they concern. */
import type { Alert } from '../contracts/alert.js';
import { CLASSES, CLASS_NAMES, SEVERITIES, type DetectionClass } from '../contracts/classes.js';
import type { Registry } from '../contracts/registry.js';
import { assetsOf } from '../console/server/assets.js';
import { Random } from './random.js';

const DAY_MS = 86_400_000;
const UNITS = 18;
const source = new Random(20190601);
const pick = (n: number): number => source.below(n);
const random = (): number => pick(1_000_000) / 1_000_000;

export const registry: Registry = {
  units: [{ id: 'hubei', zh: '湖北省', en: 'Hubei', kind: 'province' }, ...Array.from({ length: UNITS }, (_, i) => ({ id: `city${i}`, zh: `市州${i}`, en: `City ${i}`, parent: 'hubei' }))],
  systems: Array.from({ length: 120 }, (_, i) => ({ id: `sys${i}`, zh: `系统${i}`, en: `System ${i}`, unit: `city${i % UNITS}`, ranges: [`10.${i}.0.0/16`] })),
};
export const assets = assetsOf(registry, 1);

/** An alert as an analyzer sends it: 1.5 KB, a few attackers behind most of them, most of them attempts. */
export function alertAt(n: number, at: number, spread = false): Alert {
  const cls = CLASS_NAMES[Math.min(pick(CLASS_NAMES.length), pick(CLASS_NAMES.length))] as DetectionClass;
  const c = CLASSES[cls];
  const loud = !spread && random() < 0.95;
  const day = Math.floor(at / DAY_MS);
  const who = pick(40);
  // A dozen victims of this attacker on this day.
  const target = (day * 7919 + who * 104_729 + pick(12) * 1_299_709) % 3_600;
  const attacker = loud ? `203.0.${(day * 13 + who) % 113}.${who}` : `198.${pick(250)}.${pick(250)}.${pick(250)}`;
  const victim = loud ? `10.${target % 120}.0.${1 + Math.floor(target / 120)}` : `10.${pick(120)}.${pick(4)}.${1 + pick(30)}`;
  const time = new Date(at).toISOString();
  const verdict = random() < 0.96 ? 'attempted' : random() < 0.8 ? 'succeeded' : 'compromised';
  return {
    timestamp: time, event_type: 'alert', src_ip: attacker, src_port: 1024 + pick(60_000), dest_ip: victim, dest_port: 80, proto: 'TCP', app_proto: 'http', host: `node-${pick(20)}`, community_id: `1:${n.toString(36)}`,
    http: { hostname: `www${pick(120)}.example.gov.cn`, url: `/index.php?id=${n}&q=union+select`, http_user_agent: 'Mozilla/5.0 (X11; Linux x86_64) sqlmap/1.3', http_method: 'GET', status: 200, length: 1234 },
    alert: { action: 'allowed', gid: 1, signature_id: 9_000_000 + pick(300), rev: 1, signature: c.en, category: cls, severity: 1 },
    shouwang: {
      id: `bench-${n}`, revision: 1, rule: `rule-${pick(300)}`, title: { zh: `${c.zh}：参数中的联合查询`, en: `${c.en}: union select in a parameter` }, severity: SEVERITIES[Math.max(pick(5), pick(4))], class: cls,
      gb2007: c.gb2007, gb2023: c.gb2023, phase: c.phase, verdict, because: { zh: '请求参数中出现联合查询，服务器返回了正常页面。', en: 'A parameter holds a union select; the server answered with a page.' },
      attacker: { ip: attacker, port: 1024 + pick(60_000) }, victim: { ip: victim, port: 80 }, techniques: ['T1190'], references: [`CVE-2019-${1000 + pick(9000)}`], first_seen: time, last_seen: time, count: 1 + pick(5),
      matched: [{ buffer: 'http.uri', direction: 'to_server', data: Buffer.from(`/index.php?id=${n}&q=union+select+1,2,3,4,5,6,7,8,9,10`).toString('base64'), marks: [[20, 32]] }],
      evidence: [{ id: `ev-${n}`, sha256: 'a'.repeat(64), bytes: 4000, packets: 9 }], node: `node-${pick(20)}`, unit: 'hubei',
    },
  };
}
