export interface Progress { step(n?: number): void; set(n: number): void; end(): void }

/** A line on standard error that is rewritten in place; nothing at all when that is no terminal. */
export function progress(what: string, total: number): Progress {
  if (!process.stderr.isTTY) return { step: () => {}, set: () => {}, end: () => {} };
  const started = performance.now();
  let done = 0;
  let drawn = 0;
  const draw = (): void => {
    const now = performance.now();
    if (now - drawn < 100 && done < total) return;
    drawn = now;
    const width = 24;
    const full = total > 0 ? Math.min(width, Math.round((width * done) / total)) : 0;
    const percent = total > 0 ? `${Math.min(100, Math.floor((100 * done) / total))} %` : '';
    process.stderr.write(`\r\x1b[K[${'█'.repeat(full)}${'·'.repeat(width - full)}] ${percent} ${what}, ${((now - started) / 1000).toFixed(1)} s`);
  };
  return {
    step: (n = 1) => { done += n; draw(); },
    set: (n) => { done = n; draw(); },
    end: () => process.stderr.write('\r\x1b[K'),
  };
}
