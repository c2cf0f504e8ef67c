/**
 * An error an operator sees: a stable code, what happened, and what to do. All codes start with `SW_`.
 * @property hint One sentence that says what to do next.
 */
export class OperatorError extends Error {
  constructor(readonly code: string, message: string, readonly hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'OperatorError';
  }

  /** One line for a terminal: `SW_X: what happened. What to do.` */
  toLine(): string {
    return `${this.code}: ${this.message} ${this.hint}`;
  }
}

type Make<A extends unknown[]> = (...args: A) => OperatorError;
/** Declares one coded error; each room lists its own in an `errors.ts`. */
export function coded<A extends unknown[]>(
  code: `SW_${string}`, message: (...args: A) => string, hint: string | ((...args: A) => string),
): Make<A> {
  return (...args) => new OperatorError(code, message(...args), typeof hint === 'string' ? hint : hint(...args));
}
