import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { findProgram } from './capture-filter.js';
import { backendFailed, filterRefused, noPrivilege } from './errors.js';
import { inNamespace, type LineMeaning, type LiveBackend, type LiveOptions } from './live-backend.js';

/** Live capture through tcpdump's pipe: kernel stamps in nanoseconds, drop counters, survives a link that goes down. */
export class TcpdumpBackend implements LiveBackend {
  readonly name = 'tcpdump';
  readonly clock = 'exact';
  readonly counts = true;
  readonly path = findProgram('tcpdump');

  missing(): string | undefined {
    return this.path === undefined ? 'tcpdump is not installed' : undefined;
  }

  launch(options: LiveOptions): ChildProcess {
    const args = [
      '-i', options.interface, '-w', '-', '-U', '-n', '--time-stamp-precision=nano',
      '-B', String(options.bufferKiB), '-s', String(options.snaplen),
    ];
    if (!options.promiscuous) args.push('-p');
    // As root, Debian's tcpdump becomes the user "tcpdump" by itself; here it is said aloud, and other builds obey too.
    if (process.getuid?.() === 0) args.push('-Z', options.user ?? unprivilegedUser());
    if (options.filter.trim() !== '') args.push('--', options.filter);
    const [program, ...rest] = [...inNamespace(options), this.path!, ...args];
    return spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  poll(child: ChildProcess): void {
    child.kill('SIGUSR1');
  }

  meaning(line: string, options: LiveOptions): LineMeaning {
    if (line.includes('listening on ')) return { kind: 'ready' };
    const kernel = /(\d+) packets? dropped by kernel/.exec(line);
    const iface = /(\d+) packets? dropped by interface/.exec(line);
    if (kernel || iface) return { kind: 'counters', kernel: kernel ? Number(kernel[1]) : undefined, interface: iface ? Number(iface[1]) : undefined };
    const message = line.replace(/^tcpdump: /, '').trim();
    if (/permission|not permitted/i.test(message)) return { kind: 'fatal', error: noPrivilege(options.interface, 'tcpdump') };
    if (/filter expression|syntax error|unknown (host|port)/i.test(message)) return { kind: 'fatal', error: filterRefused(options.filter, message) };
    if (/No such device|disappeared|not up|Network is down|went down|No such file/i.test(message)) return { kind: 'gone', message };
    if (/invalid|illegal|unrecognized|Couldn't find user|not supported/i.test(message)) {
      return { kind: 'fatal', error: backendFailed(options.interface, 'tcpdump', message) };
    }
    return { kind: 'other', message };
  }
}

/** Who tcpdump becomes when this process is root. */
function unprivilegedUser(): string {
  try {
    return /^tcpdump:/m.test(readFileSync('/etc/passwd', 'utf8')) ? 'tcpdump' : 'nobody';
  } catch {
    return 'nobody';
  }
}
