/** Subjects as NATS has them: tokens joined by `.`; `*` stands for one token, `>` for one or more at the end. */

/** Longest subject taken, far above what `contracts/subjects.ts` makes; keeps a hostile peer from filling memory. */
export const SUBJECT_MAX = 512;

/** Whether the text may be published to: non-empty tokens, no wildcard, no white space. */
export function isSubject(text: string): boolean {
  return text.length > 0 && text.length <= SUBJECT_MAX && text.split('.').every((t) => /^[^\s*>]+$/.test(t));
}

/** Whether the text may be subscribed to: wildcards only as whole tokens, `>` only at the end. */
export function isPattern(text: string): boolean {
  if (text.length === 0 || text.length > SUBJECT_MAX) return false;
  const tokens = text.split('.');
  return tokens.every((t, i) => t === '*' || (t === '>' ? i === tokens.length - 1 : /^[^\s*>]+$/.test(t)));
}

/** Compiles a pattern to a test over subjects. */
export function matcher(pattern: string): (subject: string) => boolean {
  if (pattern === '>') return () => true;
  if (!pattern.includes('*') && !pattern.endsWith('>')) return (subject) => subject === pattern;
  const want = pattern.split('.');
  const open = want[want.length - 1] === '>';
  const fixed = open ? want.length - 1 : want.length;
  return (subject) => {
    const have = subject.split('.');
    if (open ? have.length <= fixed : have.length !== fixed) return false;
    for (let i = 0; i < fixed; i++) if (want[i] !== '*' && want[i] !== have[i]) return false;
    return true;
  };
}

/** Whether some subject matches both patterns. */
export function overlap(a: string, b: string): boolean {
  const x = a.split('.');
  const y = b.split('.');
  for (let i = 0; ; i++) {
    if (i === x.length || i === y.length) return x.length === y.length;
    if (x[i] === '>' || y[i] === '>') return true;
    if (x[i] !== '*' && y[i] !== '*' && x[i] !== y[i]) return false;
  }
}
