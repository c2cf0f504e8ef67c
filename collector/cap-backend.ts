import { fork, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { backendFailed, filterRefused, noPrivilege } from './errors.js';
import { inNamespace, type LineMeaning, type LiveBackend, type LiveOptions } from './live-backend.js';

/**
 * Live capture through `cap` (libpcap) in a child process, because it aborts its process when an interface goes down.
 * It has no time stamps, original lengths or drop counters of its own: the clock is approximate, drops are unknown.
 */
export class CapBackend implements LiveBackend {
  readonly name = 'cap';
  readonly clock = 'approximate';
  readonly counts = false;

  missing(): string | undefined {
    try {
      createRequire(import.meta.url).resolve('cap/build/Release/cap.node');
      return undefined;
    } catch {
      return 'the package "cap" is not installed (it needs libpcap0.8-dev and a compiler when npm installs it)';
    }
  }

  launch(options: LiveOptions): ChildProcess {
    const [execPath, ...execArgv] = [...inNamespace(options), process.execPath];
    return fork(fileURLToPath(new URL('./cap-child.js', import.meta.url)), [JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execPath, execArgv,
    });
  }

  poll(): void {}

  meaning(line: string, options: LiveOptions): LineMeaning {
    if (line === 'ready') return { kind: 'ready' };
    const message = line.replace(/^cap: /, '').trim();
    if (/permission|not permitted|EPERM|CAP_NET_RAW/i.test(message)) return { kind: 'fatal', error: noPrivilege(options.interface, 'cap') };
    if (/filter|syntax error/i.test(message)) return { kind: 'fatal', error: filterRefused(options.filter, message) };
    if (/No such device|not up|Network is down|Assertion|went down/i.test(message)) return { kind: 'gone', message };
    if (/link type|Cannot find|ERR_/i.test(message)) return { kind: 'fatal', error: backendFailed(options.interface, 'cap', message) };
    return { kind: 'other', message };
  }
}
