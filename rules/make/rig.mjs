/**
 * Two network namespaces joined by a veth pair: an attacker and a victim with real TCP stacks between them, and
 * tcpdump in the victim's. Needs root, iproute2, tcpdump, ethtool. Nothing leaves the machine.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const run = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });

export class Rig {
  constructor(name = `sw${process.pid % 10000}`) {
    this.attackerSpace = `${name}a`;
    this.victimSpace = `${name}v`;
    this.children = new Set();
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => (this.close(), process.exit(1)));
  }

  /**
   * @param {string[]} attackers addresses of the attacker's side, all reachable from the victim's
   * @param {string[]} victims addresses of the victim's side
   */
  open(attackers = ['203.0.113.66'], victims = ['10.42.1.10']) {
    const [a, v] = [this.attackerSpace, this.victimSpace];
    run('ip', 'netns', 'add', a);
    run('ip', 'netns', 'add', v);
    run('ip', 'link', 'add', 'eth0', 'netns', a, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', v);
    for (const space of [a, v]) {
      run('ip', 'netns', 'exec', space, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1');
      // Whole frames with right checksums, as a tap would see them.
      run('ip', 'netns', 'exec', space, 'ethtool', '-K', 'eth0', 'tx', 'off', 'rx', 'off', 'gso', 'off', 'tso', 'off', 'gro', 'off');
      run('ip', '-n', space, 'link', 'set', 'lo', 'up');
      run('ip', '-n', space, 'link', 'set', 'eth0', 'up');
    }
    for (const ip of attackers) run('ip', '-n', a, 'addr', 'add', `${ip}/32`, 'dev', 'eth0');
    for (const ip of victims) run('ip', '-n', v, 'addr', 'add', `${ip}/32`, 'dev', 'eth0');
    // By way of the victim as a router, so that probes of addresses nobody has are sent, as they would be from afar.
    run('ip', '-n', a, 'route', 'add', 'default', 'via', victims[0], 'dev', 'eth0', 'onlink', 'src', attackers[0]);
    run('ip', '-n', v, 'route', 'add', 'default', 'dev', 'eth0', 'src', victims[0]);
  }

  #spawn(space, command, args, stdio = 'ignore') {
    const child = spawn('ip', ['netns', 'exec', space, command, ...args], { stdio });
    this.children.add(child);
    child.once('exit', () => this.children.delete(child));
    return child;
  }

  /** Starts a program beside the victim, e.g. a server. */
  victim(command, ...args) {
    return this.#spawn(this.victimSpace, command, args);
  }

  /** Runs a tool as the attacker; resolves with its exit code and output. */
  attack(command, ...args) {
    return this.#finish(this.attackerSpace, command, args);
  }

  /** Runs a tool beside the victim, e.g. a callback. */
  fromVictim(command, ...args) {
    return this.#finish(this.victimSpace, command, args);
  }

  #finish(space, command, args) {
    const child = this.#spawn(space, command, args, ['ignore', 'pipe', 'pipe']);
    let output = '';
    child.stdout.on('data', (d) => (output += d));
    child.stderr.on('data', (d) => (output += d));
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
  }

  /** Records what passes while `body` runs. */
  async capture(file, body, filter = 'not arp', snap = 0) {
    mkdirSync(dirname(file), { recursive: true });
    const dump = this.#spawn(this.victimSpace, 'tcpdump',
      ['-i', 'eth0', '-s', String(snap), '-U', '-Z', 'root', '--immediate-mode', '-w', file, filter], ['ignore', 'ignore', 'pipe']);
    await new Promise((resolve) => dump.stderr.on('data', (d) => String(d).includes('listening') && resolve()));
    try {
      await body();
      await sleep(150);
    } finally {
      const gone = new Promise((resolve) => dump.once('close', resolve));
      // `ip netns exec` replaces itself with the program, so the child is tcpdump.
      dump.kill('SIGINT');
      await gone;
    }
  }

  close() {
    for (const child of this.children) child.kill('SIGTERM');
    for (const space of [this.attackerSpace, this.victimSpace]) {
      try {
        run('ip', 'netns', 'del', space);
      } catch {
        // never made
      }
    }
  }
}
