import type { Alert, Bilingual } from '../../contracts/alert.js';
import type { EveEvent } from '../../contracts/event.js';

/** Requests under way whose answer is awaited. */
const MAX_PENDING = 4096;
/** Targets (attacker, server, path) followed at once. */
const MAX_TARGETS = 1024;
/** Kinds of answers told apart for one target. */
const MAX_SHAPES = 32;
/** Shorter delays are a network's or a busy server's. */
const LEAST_ASKED_S = 0.5;
/** One answer that is late by what was asked tells enough from here on. */
const CLEAR_ASKED_S = 3;
/** What a server takes beside the delay that was asked for. */
const SLACK_S = 0.7;
/** Rows for each of which a database may wait. */
const MAX_ROWS = 10;
/** Guesses after which two kinds of answers are an oracle, whatever was asked. */
const ENOUGH_GUESSES = 20;
/** Difference between pages that no counter or clock in them makes. */
const CLEAR_DIFFERENCE = 12;
/** Less than this may be the length of the guess itself, in a page that repeats it. */
const LEAST_DIFFERENCE = 5;

interface Asked {
  target: string;
  seconds: number;
  /** What the condition is known to be, where it compares two numbers or texts. */
  truth: boolean | undefined;
  guess: boolean;
  /** Parameter that the condition stands in: two answers to two parameters are no oracle. */
  parameter: string;
}

interface Answers {
  true: Map<string, number>;
  false: Map<string, number>;
  guesses: Map<string, number>;
}

interface Target {
  slow: number;
  odd: number;
  quick: number;
  longest: number;
  /** Answers by status and length, and by what is in them beside, for pages that don't repeat the question. */
  sizes: Answers;
  contents: Answers;
  delayTold: boolean;
  oracleTold: boolean;
}

export interface BlindFinding { class: 'sql_injection' | 'command_injection'; attacker: string; victim: string; because: Bilingual }

/**
 * Blind injection shows in how answers depend on what was asked: they come later by the seconds asked for, or fall into
 * two kinds by whether the condition is true. Joins each attempt (its alert) with its transaction (its `http` event).
 */
export class BlindInjection {
  private readonly pending = new Map<string, Asked[]>();
  private readonly targets = new Map<string, Target>();

  /** @param text the attack's request, decoded. */
  alert(alert: Alert, text: string): void {
    const s = alert.shouwang;
    if (s.class !== 'sql_injection' && s.class !== 'command_injection') return;
    if (alert.flow_id === undefined || alert.tx_id === undefined) return;
    const key = `${alert.flow_id}.${alert.tx_id}`;
    const asked = this.pending.get(key) ?? [];
    const target = `${s.class} ${s.attacker.ip} ${s.victim.ip}`;
    if (asked.some((a) => a.target === target)) return;
    asked.push({ target, seconds: secondsIn(text), truth: truthOf(text), parameter: parameterOf(text), guess: /(?:ascii|ord|substr|substring|mid|unicode|length|count|if|case|iif|elt)\s*\(|[<>]\s*\d/i.test(text) });
    if (this.pending.size >= MAX_PENDING) this.pending.delete(this.pending.keys().next().value!);
    this.pending.set(key, asked);
  }

  /** A transaction's `http` event. @returns what it proves, with what came before it. */
  event(event: EveEvent): BlindFinding[] {
    const http = event.http as { url?: string; status?: number; length?: number; body_length?: number; response_delay?: number; response_digest?: string };
    const path = (http.url ?? '').split('?', 1)[0]!;
    const key = `${event.flow_id}.${event.tx_id}`;
    const asked = this.pending.get(key);
    const delay = (http.response_delay ?? -1000) / 1000;
    const found: BlindFinding[] = [];
    if (asked === undefined) {
      // An ordinary request of the same page says how fast it is.
      for (const name of ['sql_injection', 'command_injection']) {
        const target = this.targets.get(`${name} ${event.src_ip} ${event.dest_ip} ${path}`);
        if (target !== undefined && delay >= 0 && delay < LEAST_ASKED_S) target.quick++;
      }
      return found;
    }
    this.pending.delete(key);
    for (const a of asked) {
      const [name, attacker, victim] = a.target.split(' ') as [BlindFinding['class'], string, string];
      const target = this.target(`${a.target} ${path}`);
      const because = this.delayed(target, a, delay) ?? (name === 'sql_injection' ? this.oracle(this.target(`${a.target} ${path} ${a.parameter}`), a, http.status ?? 0, http.body_length ?? http.length ?? 0, http.response_digest) : undefined);
      if (because !== undefined) found.push({ class: name, attacker, victim, because });
    }
    return found;
  }

  private target(key: string): Target {
    let target = this.targets.get(key);
    if (target === undefined) {
      if (this.targets.size >= MAX_TARGETS) this.targets.delete(this.targets.keys().next().value!);
      target = { slow: 0, odd: 0, quick: 0, longest: 0, sizes: answers(), contents: answers(), delayTold: false, oracleTold: false };
      this.targets.set(key, target);
    }
    return target;
  }

  private delayed(target: Target, { seconds }: Asked, delay: number): Bilingual | undefined {
    if (delay < 0) return undefined;
    if (seconds < LEAST_ASKED_S || delay < Math.min(LEAST_ASKED_S, seconds / 2)) {
      if (delay < LEAST_ASKED_S) target.quick++;
      return undefined;
    }
    // A row each: a multiple of what was asked.
    const rows = Math.max(1, Math.round((delay - 0.05) / seconds));
    if (delay < seconds * 0.97 || rows > MAX_ROWS || delay - rows * seconds > SLACK_S || delay < rows * seconds - 0.1) {
      target.odd++;
      return undefined;
    }
    target.slow++;
    target.longest = Math.max(target.longest, delay);
    const clear = (target.slow >= 2 && target.quick >= 1 && target.odd <= target.slow * 0.25) || (seconds >= CLEAR_ASKED_S && rows === 1 && target.odd === 0);
    if (target.delayTold || !clear) return undefined;
    target.delayTold = true;
    return {
      zh: `要求延时 ${seconds} 秒的请求在 ${delay.toFixed(1)} 秒后才得到响应（共 ${target.slow} 次与要求一致，${target.quick} 次未要求延时或条件不成立的请求立即得到响应）：延时语句已执行，注入成立。`,
      en: `A request that asks for ${seconds} s of delay was answered after ${delay.toFixed(1)} s (${target.slow} answers came late as asked, ${target.quick} at once where no delay was asked or the condition is false): the delay ran, the injection works.`,
    };
  }

  private oracle(target: Target, asked: Asked, status: number, length: number, digest: string | undefined): Bilingual | undefined {
    // What a filter refuses says nothing of the database.
    if (asked.seconds > 0 || status === 0 || status === 403 || status === 406 || status === 429 || status === 503) return undefined;
    add(target.sizes, asked, `${status}/${length}`);
    if (digest !== undefined) add(target.contents, asked, `${status}/${length}/${digest}`);
    if (target.oracleTold) return undefined;
    const kinds = twoAnswers(target.sizes) ?? twoAnswers(target.contents);
    if (kinds === undefined) return undefined;
    target.oracleTold = true;
    const [a, b] = kinds;
    return {
      zh: `条件为真与为假的请求得到两种稳定不同的响应（${a} 与 ${b}，状态码/字节数）：条件已在数据库中求值，布尔盲注成立。`,
      en: `Requests whose condition is true and false get two steadily different answers (${a} and ${b}, status/bytes): the database evaluates the condition, blind injection works.`,
    };
  }
}

const answers = (): Answers => ({ true: new Map(), false: new Map(), guesses: new Map() });

function add(to: Answers, { truth, guess }: Asked, shape: string): void {
  const table = truth === true ? to.true : truth === false ? to.false : guess ? to.guesses : undefined;
  if (table !== undefined && (table.has(shape) || table.size < MAX_SHAPES)) table.set(shape, (table.get(shape) ?? 0) + 1);
}

/** The two kinds of answers by which a condition shows, if it does. */
function twoAnswers(by: Answers): [string, string] | undefined {
  const [yes, yesShare, yesCount] = most(by.true);
  const [no, noShare, noCount] = most(by.false);
  const apart = yes !== '' && no !== '' && yes !== no && yesShare >= 0.8 && noShare >= 0.8;
  if (apart && ((yesCount >= 2 && noCount >= 2) || differ(yes, no) >= CLEAR_DIFFERENCE)) return [yes, no];
  return twoKinds(by.guesses);
}

function most(table: ReadonlyMap<string, number>): [string, number, number] {
  let all = 0;
  let best = '';
  let count = 0;
  for (const [shape, n] of table) {
    all += n;
    if (n > count) [best, count] = [shape, n];
  }
  return [best, all === 0 ? 0 : count / all, count];
}

function differ(a: string, b: string): number {
  const [as, al] = a.split('/').map(Number) as [number, number];
  const [bs, bl] = b.split('/').map(Number) as [number, number];
  return as !== bs ? Infinity : Math.abs(al - bl);
}

/** Guesses letter by letter whose answers are of two kinds, none of them rare. */
function twoKinds(table: ReadonlyMap<string, number>): [string, string] | undefined {
  let all = 0;
  for (const n of table.values()) all += n;
  if (all < ENOUGH_GUESSES) return undefined;
  const [[a, na] = ['', 0], [b, nb] = ['', 0]] = [...table].sort((x, y) => y[1] - x[1]);
  const apart = a.split('/').length > 2 || differ(a, b) >= LEAST_DIFFERENCE;
  return a !== '' && b !== '' && na + nb >= 0.95 * all && nb >= 0.15 * all && apart ? [a, b] : undefined;
}

/** Seconds of delay that a payload asks for; 0 for none. */
function secondsIn(text: string): number {
  const sql = /sleep[\s(]*\(\s*\(*\s*(\d{1,3}(?:\.\d{1,3})?)/i.exec(text) ?? /receive_message\([^,]{1,80},\s*(\d{1,3})/i.exec(text);
  if (sql) return Number(sql[1]);
  const wait = /waitfor\s+delay\s*['"](\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d{1,3})?)/i.exec(text);
  if (wait) return Number(wait[1]) * 3600 + Number(wait[2]) * 60 + Number(wait[3]);
  const shell = /(?:[;|&\n`(]|%0a|\$IFS(?:\$9)?)\s*(?:\/bin\/)?sleep(?:\s|\+|\$\{?IFS\}?(?:\$9)?)+(\d{1,3})/i.exec(text);
  return shell ? Number(shell[1]) : 0;
}

/** Name of the parameter before the first condition of a payload; empty where there is none. */
function parameterOf(text: string): string {
  const at = text.search(/\b(?:and|or|xor|having|where|rlike|case|if)\b[\s(]/i);
  const names = at < 0 ? [] : [...text.slice(Math.max(0, at - 400), at).matchAll(/[?&\n;\s"]([\w.[\]-]{1,64})"?\s?[=:]/g)];
  return names.at(-1)?.[1] ?? '';
}

/** Whether the condition that a payload adds is true, where it compares constants. */
function truthOf(text: string): boolean | undefined {
  const numbers = /\b(?:and|or|xor|having|where|rlike)\b[\s(]*(?:not[\s(]+)?(\d{1,9})\s*(<>|!=|=|<|>|like)\s*(\d{1,9})(?!\d)(?!\s*[-+*/%])/i.exec(text);
  const words = numbers ?? /\b(?:and|or)\b[\s(]*['"]([^'"]{0,24})['"]\s*(=|like)\s*['"]([^'"]{0,24})/i.exec(text);
  if (!words) return undefined;
  const [, a, op, b] = words as unknown as [string, string, string, string];
  const [x, y] = numbers ? [Number(a), Number(b)] : [a, b];
  const value = op === '<>' || op === '!=' ? x !== y : op === '<' ? x < y : op === '>' ? x > y : x === y;
  return /\bnot[\s(]+\d/i.test(words[0]) ? !value : value;
}
