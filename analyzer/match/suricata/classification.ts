import type { DetectionClass } from '../../../contracts/classes.js';

/** Class types of rules: what EVE calls them (`alert.category`) and their priority where the rule has none. */
export const CLASSTYPES: Record<string, readonly [category: string, priority: number]> = {
  'not-suspicious': ['Not Suspicious Traffic', 3], unknown: ['Unknown Traffic', 3], 'bad-unknown': ['Potentially Bad Traffic', 2],
  'attempted-recon': ['Attempted Information Leak', 2], 'successful-recon-limited': ['Information Leak', 2],
  'successful-recon-largescale': ['Large Scale Information Leak', 2], 'attempted-dos': ['Attempted Denial of Service', 2],
  'successful-dos': ['Denial of Service', 2], 'attempted-user': ['Attempted User Privilege Gain', 1],
  'unsuccessful-user': ['Unsuccessful User Privilege Gain', 1], 'successful-user': ['Successful User Privilege Gain', 1],
  'attempted-admin': ['Attempted Administrator Privilege Gain', 1], 'successful-admin': ['Successful Administrator Privilege Gain', 1],
  'rpc-portmap-decode': ['Decode of an RPC Query', 2], 'shellcode-detect': ['Executable code was detected', 1],
  'string-detect': ['A suspicious string was detected', 3], 'suspicious-filename-detect': ['A suspicious filename was detected', 2],
  'suspicious-login': ['An attempted login using a suspicious username was detected', 2], 'system-call-detect': ['A system call was detected', 2],
  'tcp-connection': ['A TCP connection was detected', 4], 'trojan-activity': ['A Network Trojan was detected', 1],
  'unusual-client-port-connection': ['A client was using an unusual port', 2], 'network-scan': ['Detection of a Network Scan', 3],
  'denial-of-service': ['Detection of a Denial of Service Attack', 2],
  'non-standard-protocol': ['Detection of a non-standard protocol or event', 2], 'protocol-command-decode': ['Generic Protocol Command Decode', 3],
  'web-application-activity': ['access to a potentially vulnerable web application', 2], 'web-application-attack': ['Web Application Attack', 1],
  'misc-activity': ['Misc activity', 3], 'misc-attack': ['Misc Attack', 2], 'icmp-event': ['Generic ICMP event', 3],
  'inappropriate-content': ['Inappropriate Content was Detected', 1], 'policy-violation': ['Potential Corporate Privacy Violation', 1],
  'default-login-attempt': ['Attempt to login by a default username and password', 2], 'targeted-activity': ['Targeted Malicious Activity was Detected', 1],
  'exploit-kit': ['Exploit Kit Activity Detected', 1], 'external-ip-check': ['Device Retrieving External IP Address Detected', 2],
  'domain-c2': ['Domain Observed Used for C2 Detected', 1], 'pup-activity': ['Possibly Unwanted Program Detected', 2],
  'credential-theft': ['Successful Credential Theft Detected', 1], 'social-engineering': ['Possible Social Engineering Attempted', 2],
  'coin-mining': ['Crypto Currency Mining Activity Detected', 2], 'command-and-control': ['Malware Command and Control Activity Detected', 1],
  'suspicious-dns-query': ['Suspicious DNS query', 2],
};
/** Our classes for class types; the closed list of contracts/classes.ts has no words for the rest. */
const CLASSES: Record<string, DetectionClass> = {
  'attempted-recon': 'enumeration', 'successful-recon-limited': 'information_leak', 'successful-recon-largescale': 'information_leak', 'attempted-dos': 'dos', 'successful-dos': 'dos',
  'attempted-user': 'exploit', 'unsuccessful-user': 'exploit', 'successful-user': 'exploit', 'attempted-admin': 'exploit', 'successful-admin': 'exploit', 'rpc-portmap-decode': 'enumeration',
  'shellcode-detect': 'exploit', 'suspicious-login': 'brute_force', 'default-login-attempt': 'brute_force', 'trojan-activity': 'c2', 'network-scan': 'port_scan', 'denial-of-service': 'dos',
  'web-application-activity': 'exploit_probe', 'web-application-attack': 'exploit', 'misc-attack': 'exploit', 'exploit-kit': 'malware_download', 'domain-c2': 'c2', 'command-and-control': 'c2',
  'credential-theft': 'information_leak', 'coin-mining': 'crypto_mining', 'policy-violation': 'policy_violation', 'inappropriate-content': 'policy_violation', 'pup-activity': 'malware_download',
  'targeted-activity': 'c2', 'external-ip-check': 'enumeration', 'social-engineering': 'malware_download',
};
export const classOf = (classtype: string): DetectionClass => (Object.hasOwn(CLASSES, classtype) ? (CLASSES[classtype] as DetectionClass) : 'protocol_anomaly');

/** Of a rule without class type, or with one that nobody has defined. */
export const DEFAULT_PRIORITY = 3;
