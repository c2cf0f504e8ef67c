/** Resolves after `ms`; with `idle`, waiting for it does not keep the process alive. */
export function sleep(ms: number, idle = false): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (idle) timer.unref();
  });
}

/** A condition that many wait for: `wait()` resolves at the next `signal()`. */
export class Signal {
  #waiters: (() => void)[] = [];
  #next: Promise<void> | undefined;
  wait(): Promise<void> {
    this.#next ??= new Promise((resolve) => this.#waiters.push(resolve));
    return this.#next;
  }
  signal(): void {
    this.#next = undefined;
    for (const go of this.#waiters.splice(0)) go();
  }
}
