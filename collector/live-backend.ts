import type { ChildProcess } from 'node:child_process';
import type { OperatorError } from '../runtime/errors.js';

export interface LiveOptions {
  interface: string;
  filter: string;
  /** 0: whole packets. */
  snaplen: number;
  /** Kernel buffer, KiB. */
  bufferKiB: number;
  promiscuous: boolean;
  /** User that the child becomes when this process is root. */
  user?: string;
  /** Network namespace the interface is in (`ip netns`); needs root. */
  netns?: string;
}

/** What goes before a program so that it runs in the namespace; `ip` replaces itself, so signals reach the program. */
export function inNamespace(options: LiveOptions): string[] {
  return options.netns === undefined ? [] : ['ip', 'netns', 'exec', options.netns];
}

/** What a line on a child's standard error means. */
export type LineMeaning =
  | { kind: 'ready' }
  | { kind: 'counters'; kernel?: number; interface?: number }
  /** The interface is not there, or not up: try again later. */
  | { kind: 'gone'; message: string }
  /** Trying again will not help. */
  | { kind: 'fatal'; error: OperatorError }
  | { kind: 'other'; message: string };

/** A program that captures in a child process and writes pcap to its standard output. */
export interface LiveBackend {
  readonly name: 'tcpdump' | 'cap';
  readonly clock: 'exact' | 'approximate';
  /** Whether it knows what the kernel dropped. */
  readonly counts: boolean;
  /** Why it cannot run here at all, or undefined. */
  missing(): string | undefined;
  launch(options: LiveOptions): ChildProcess;
  /** Asks a running child for its drop counters. */
  poll(child: ChildProcess): void;
  meaning(line: string, options: LiveOptions): LineMeaning;
}
