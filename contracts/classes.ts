/**
 * The closed list of detection classes, each with its code in both editions of the national classification
 * of network security incidents: GB/Z 20986-2007 (in force in 2019, letter codes) and GB/T 20986-2023
 * (class numbers and names; it gives the second level names only).
 */
export interface ClassCode {
  zh: string;
  en: string;
  /** GB/Z 20986-2007, e.g. `NAI/VAI`. */
  gb2007: string;
  /** GB/T 20986-2023, e.g. `2 网络攻击/漏洞利用`. */
  gb2023: string;
  /** Phase of the attack that the class belongs to by default. */
  phase: Phase;
}

export const PHASES = [
  'reconnaissance', 'access', 'execution', 'persistence',
  'lateral_movement', 'command_and_control', 'exfiltration', 'impact',
] as const;
export type Phase = (typeof PHASES)[number];

const c = (zh: string, en: string, gb2007: string, gb2023: string, phase: Phase): ClassCode =>
  ({ zh, en, gb2007, gb2023, phase });

const SCAN7 = 'NAI/NSEI';
const VUL7 = 'NAI/VAI';
const SCAN23 = '2 网络攻击/网络扫描探测';
const VUL23 = '2 网络攻击/漏洞利用';
const CRED23 = '2 网络攻击/凭据攻击';

export const CLASSES = {
  port_scan: c('端口扫描', 'Port scan', SCAN7, SCAN23, 'reconnaissance'),
  host_sweep: c('主机探测', 'Host sweep', SCAN7, SCAN23, 'reconnaissance'),
  stealth_scan: c('隐蔽扫描', 'Stealth scan', SCAN7, SCAN23, 'reconnaissance'),
  os_fingerprint: c('系统指纹探测', 'OS fingerprinting', SCAN7, SCAN23, 'reconnaissance'),
  enumeration: c('信息枚举', 'Enumeration', SCAN7, SCAN23, 'reconnaissance'),
  web_scan: c('Web 扫描', 'Web scan', SCAN7, SCAN23, 'reconnaissance'),
  directory_brute_force: c('目录爆破', 'Directory brute force', SCAN7, SCAN23, 'reconnaissance'),
  brute_force: c('暴力破解', 'Brute force', VUL7, CRED23, 'access'),
  password_spray: c('密码喷洒', 'Password spray', VUL7, CRED23, 'access'),
  brute_force_success: c('暴力破解成功', 'Brute force succeeded', VUL7, CRED23, 'access'),
  sql_injection: c('SQL 注入', 'SQL injection', VUL7, VUL23, 'access'),
  xss: c('跨站脚本', 'Cross-site scripting', VUL7, VUL23, 'access'),
  path_traversal: c('目录遍历', 'Path traversal', VUL7, VUL23, 'access'),
  file_inclusion: c('文件包含', 'File inclusion', VUL7, VUL23, 'access'),
  command_injection: c('命令注入', 'Command injection', VUL7, VUL23, 'execution'),
  code_injection: c('代码注入', 'Code injection', VUL7, VUL23, 'execution'),
  template_injection: c('模板注入', 'Template injection', VUL7, VUL23, 'execution'),
  deserialization: c('反序列化', 'Deserialisation', VUL7, VUL23, 'execution'),
  jndi: c('JNDI 注入', 'JNDI injection', VUL7, VUL23, 'execution'),
  xxe: c('XML 外部实体', 'XML external entity', VUL7, VUL23, 'access'),
  ssrf: c('服务端请求伪造', 'Server-side request forgery', VUL7, VUL23, 'access'),
  exploit: c('漏洞利用', 'Exploit', VUL7, VUL23, 'execution'),
  exploit_probe: c('漏洞探测', 'Exploit probe', SCAN7, SCAN23, 'reconnaissance'),
  unauthorized_access: c('未授权访问', 'Unauthorised access', VUL7, VUL23, 'access'),
  information_leak: c('信息泄露', 'Information leak', 'IDI/ILEI', '3 数据安全/泄露', 'exfiltration'),
  sensitive_file: c('敏感文件访问', 'Sensitive file access', SCAN7, SCAN23, 'reconnaissance'),
  webshell_upload: c('网页后门上传', 'Webshell upload', 'NAI/BDAI', '2 网络攻击/后门植入', 'persistence'),
  webshell_use: c('网页后门利用', 'Webshell use', 'NAI/BDAI', '2 网络攻击/后门利用', 'execution'),
  reverse_shell: c('反弹 Shell', 'Reverse shell', 'NAI/BDAI', '2 网络攻击/后门利用', 'command_and_control'),
  backdoor: c('后门', 'Backdoor', 'NAI/BDAI', '2 网络攻击/后门利用', 'persistence'),
  c2: c('命令与控制', 'Command and control', 'MI/THI', '2 网络攻击/失陷主机', 'command_and_control'),
  beacon: c('周期性回连', 'Beaconing', 'MI/THI', '2 网络攻击/失陷主机', 'command_and_control'),
  tunnel: c('隐蔽隧道', 'Tunnel', 'NAI/BDAI', '2 网络攻击/后门利用', 'command_and_control'),
  dns_anomaly: c('DNS 异常', 'DNS anomaly', 'MI/THI', '8 异常行为/流量异常', 'command_and_control'),
  exfiltration: c('数据外传', 'Exfiltration', 'IDI/III', '3 数据安全/窃取', 'exfiltration'),
  personal_data_leak: c('个人信息泄露', 'Personal data leak', 'IDI/ILEI', '3 数据安全/泄露', 'exfiltration'),
  lateral_movement: c('横向移动', 'Lateral movement', VUL7, '2 网络攻击/失陷主机', 'lateral_movement'),
  malware_download: c('恶意程序下载', 'Malware download', 'MI/THI', '1 恶意程序', 'execution'),
  crypto_mining: c('挖矿', 'Crypto mining', 'MI/THI', '1 恶意程序', 'impact'),
  dos: c('拒绝服务', 'Denial of service', 'NAI/DOSAI', '2 网络攻击/拒绝服务', 'impact'),
  arp_spoofing: c('ARP 欺骗', 'ARP spoofing', 'NAI/II', '2 网络攻击/流量劫持', 'lateral_movement'),
  policy_violation: c('违规外联', 'Policy violation', 'OI', '6 违规操作', 'command_and_control'),
  protocol_anomaly: c('协议异常', 'Protocol anomaly', 'OI', '8 异常行为/流量异常', 'reconnaissance'),
} as const satisfies Record<string, ClassCode>;

/** Names of GB/T 20986-2023 in English; the standard itself is in Chinese. */
const NAMES_2023: Record<string, string> = {
  恶意程序: 'malicious program', 网络攻击: 'network attack', 数据安全: 'data security', 违规操作: 'violation of rules', 异常行为: 'abnormal behaviour',
  网络扫描探测: 'scanning and probing', 漏洞利用: 'exploitation of a weakness', 凭据攻击: 'attack on credentials', 后门植入: 'planting of a back door', 后门利用: 'use of a back door', 失陷主机: 'compromised host',
  拒绝服务: 'denial of service', 流量劫持: 'hijacking of traffic', 泄露: 'leak', 窃取: 'theft', 流量异常: 'abnormal traffic',
};
/** A code of GB/T 20986-2023 as a reader of that language has it: `2 网络攻击/漏洞利用`, `2 network attack / exploitation of a weakness`. What has no name here stays. */
export function gb2023In(language: 'zh' | 'en', code: string): string {
  if (language === 'zh') return code;
  const [, number, names] = /^(\d+ )?(.*)$/s.exec(code)!;
  return (number ?? '') + names.split('/').map((n) => (Object.hasOwn(NAMES_2023, n) ? NAMES_2023[n] : n)).join(' / ');
}

export type DetectionClass = keyof typeof CLASSES;
export const CLASS_NAMES = Object.keys(CLASSES) as DetectionClass[];

export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];
/** EVE's `alert.severity`: 1 is the worst. */
export const EVE_SEVERITY: Record<Severity, number> = { critical: 1, high: 1, medium: 2, low: 3, info: 4 };

export const VERDICTS = ['attempted', 'succeeded', 'compromised'] as const;
export type Verdict = (typeof VERDICTS)[number];
