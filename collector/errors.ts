import { coded } from '../runtime/errors.js';

/** Everything the collector tells an operator. Codes are stable; the console translates them. */
export const captureMissing = coded(
  'SW_CAPTURE_UNREADABLE',
  (path: string, why: string) => `cannot read the capture ${path}: ${why}.`,
  'Check the path and that this user may read it.',
);
export const captureEmpty = coded(
  'SW_CAPTURE_EMPTY',
  (path: string) => `${path} is empty.`,
  'Check that the capture was finished before it was copied.',
);
export const captureFormat = coded(
  'SW_CAPTURE_FORMAT',
  (path: string, looksLike: string) => `${path} is not a capture that can be read: ${looksLike}.`,
  'Give a pcap or pcapng file, plain or gzip; convert others with "editcap -F pcapng".',
);
export const filterRefused = coded(
  'SW_COLLECT_FILTER',
  (filter: string, why: string) => `the capture filter "${filter}" is refused: ${why}.`,
  'Correct bpf in the configuration; the syntax is that of pcap-filter(7).',
);
export const interfaceName = coded(
  'SW_COLLECT_INTERFACE_NAME',
  (name: string) => `"${name}" is not the name of a network interface.`,
  'Use a name that "ip link" lists.',
);
export const noBackend = coded(
  'SW_COLLECT_NO_BACKEND',
  (why: string) => `no backend for live capture can run: ${why}.`,
  'Install tcpdump ("apt-get install tcpdump"), or libpcap0.8-dev and a compiler and then "npm install cap".',
);
export const noPrivilege = coded(
  'SW_COLLECT_PRIVILEGE',
  (iface: string, backend: string) => `this user may not capture on ${iface} with ${backend}: CAP_NET_RAW is missing.`,
  'Run as root, or give the service AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN, or run "setcap cap_net_raw,cap_net_admin+ep" on tcpdump.',
);
export const backendFailed = coded(
  'SW_COLLECT_BACKEND_FAILED',
  (iface: string, backend: string, why: string) => `${backend} cannot capture on ${iface}: ${why}.`,
  'The message is the backend’s own; correct the interface, filter or snaplen it names.',
);
export const folderMissing = coded(
  'SW_COLLECT_FOLDER',
  (path: string, why: string) => `cannot watch the folder ${path}: ${why}.`,
  'Create the folder and let this user read it and write its state file.',
);
export const spoolUnusable = coded(
  'SW_COLLECT_SPOOL',
  (path: string, why: string) => `the spool ${path} cannot be used: ${why}.`,
  'Give spool.path a folder this user may write, or set spool.maxMiB to 0 to do without.',
);
