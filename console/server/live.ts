import { randomBytes } from 'node:crypto';
import type { LiveFrame, LiveItem } from '../model/api.js';
import { sees, type Scope } from './store/scope.js';

/** Units that an item concerns; `all` is for everybody. */
/** `user`: this one alone. */
export interface Concerned { units: (string | null | undefined)[] | 'all'; permission?: string; user?: string }
export interface Listener {
  user: string;
  session: string;
  scope: Scope;
  permissions: ReadonlySet<string>;
  send(frame: LiveFrame): void;
  /** Bytes that the socket has not taken yet. */
  backlog(): number;
  close(code: string): void;
}
/** An item, or how to make it: in a flood most are never looked at. */
export type Pushed = LiveItem | { kind: 'alert' | 'incident'; id: string; make: () => LiveItem };
interface Entry { n: number; item: Pushed; concerned: Concerned }

// Enough for a reconnect of a minute on a busy day; beyond it the page loads its data again.
const KEPT = 5_000;
const BATCH_MS = 100;
// What a person can look at; a flood shows as "and N more".
const ALERTS_PER_BATCH = 200;
// A browser that does not read must not hold the server's memory.
const BACKLOG_MAX = 4 * 1024 * 1024;

/** Server push: what changed goes to every listener whose part of the organisation it concerns, in batches. */
export class LiveFeed {
  private readonly epoch = randomBytes(6).toString('hex');
  private readonly kept: Entry[] = [];
  private n = 0;
  private readonly listeners = new Map<Listener, number>();
  private timer: NodeJS.Timeout | undefined;

  get at(): string { return `${this.epoch}.${this.n}`; }
  get count(): number { return this.listeners.size; }

  push(item: Pushed, concerned: Concerned): void {
    this.kept.push({ n: ++this.n, item, concerned });
    if (this.kept.length > KEPT * 2) this.kept.splice(0, this.kept.length - KEPT);
    if (this.listeners.size > 0) this.timer ??= setTimeout(() => { this.timer = undefined; this.flush(); }, BATCH_MS);
  }

  /** @param since `at` of the last frame the browser had. @returns takes the listener off again */
  listen(listener: Listener, since?: string): () => void {
    const [epoch, position] = since?.split('.') ?? [];
    const from = epoch === this.epoch && /^\d+$/.test(position ?? '') ? Number(position) : undefined;
    const oldest = this.kept[0]?.n ?? this.n + 1;
    const resumed = from !== undefined && from <= this.n && from >= oldest - 1;
    listener.send({ kind: 'hello', at: resumed ? (since as string) : this.at, resumed });
    this.listeners.set(listener, resumed ? from : this.n);
    if (resumed && from < this.n) this.serve(listener);
    return () => { this.listeners.delete(listener); };
  }

  private flush(): void {
    for (const listener of this.listeners.keys()) this.serve(listener);
  }

  private serve(listener: Listener): void {
    if (listener.backlog() > BACKLOG_MAX) {
      this.listeners.delete(listener);
      listener.close('SW_CONSOLE_SLOW');
      return;
    }
    const from = this.listeners.get(listener) as number;
    const start = Math.max(0, this.kept.length - (this.n - from));
    const items: LiveItem[] = [];
    let alerts = 0;
    let skipped = 0;
    // Newest first, so that of a flood the latest is shown; an incident or node counts once, as it stands now.
    const latest = new Set<string>();
    for (let i = this.kept.length - 1; i >= start; i--) {
      const entry = this.kept[i];
      const { item, concerned } = entry;
      if (concerned.user !== undefined && concerned.user !== listener.user) continue;
      if (concerned.permission && !listener.permissions.has(concerned.permission)) continue;
      if (concerned.units !== 'all' && !sees(listener.scope, ...concerned.units)) continue;
      const key = keyOf(item);
      if (key !== undefined) {
        if (latest.has(key)) continue;
        latest.add(key);
      }
      if (item.kind === 'alert' && ++alerts > ALERTS_PER_BATCH) { skipped++; continue; }
      if ('make' in item) items.push((entry.item = item.make()) as LiveItem);
      else items.push(item);
    }
    this.listeners.set(listener, this.n);
    if (items.length > 0) listener.send({ kind: 'batch', at: this.at, items: items.reverse(), skipped });
  }

  /** Closes the sockets of whom `which` picks, e.g. after their rights changed. */
  dismiss(which: (listener: Listener) => boolean, code: string): void {
    for (const listener of this.listeners.keys()) {
      if (!which(listener)) continue;
      this.listeners.delete(listener);
      listener.close(code);
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.dismiss(() => true, 'SW_CONSOLE_STOPPING');
  }
}

function keyOf(item: Pushed): string | undefined {
  if ('make' in item) return `${item.kind} ${item.id}`;
  switch (item.kind) {
    case 'alert': return `alert ${item.alert.id}`;
    case 'incident': return `incident ${item.incident.id}`;
    case 'ticket': return `ticket ${item.ticket.id}`;
    case 'node': return `node ${item.node.role} ${item.node.id}`;
    case 'notice': case 'demo-cleared': case 'registry': return undefined;
  }
}
