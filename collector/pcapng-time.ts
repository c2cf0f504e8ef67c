/**
 * pcapng time stamps: 64-bit ticks of the interface's resolution, split into integer µs and a remainder in ns
 * without losing a bit: 64-bit nanoseconds do not fit a double, so the division is done in two 32-bit halves.
 */
const TWO32 = 4294967296;
/** `if_tsresol` where the option is absent: microseconds. */
export const DEFAULT_RESOLUTION = 6;
/** Beyond 10^-12 and for powers of two the division takes BigInt; no capture hardware on a fast link uses them. */
const MAX_FAST_DIGITS = 12;

export class TickClock {
  /** Result of the last `convert`. */
  timeUs = 0;
  nanos = 0;
  private readonly digits: number;
  private readonly divisor: number;
  private readonly exotic: bigint;

  /**
   * @param resolution `if_tsresol`: 10^-n, or 2^-n with the top bit set
   * @param offsetSeconds `if_tsoffset`
   */
  constructor(resolution: number, private readonly offsetSeconds: number) {
    const power = resolution & 0x7f;
    const binary = (resolution & 0x80) !== 0;
    this.digits = !binary && power <= MAX_FAST_DIGITS ? power : -1;
    this.exotic = binary ? 1n << BigInt(power) : 10n ** BigInt(power);
    this.divisor = this.digits >= 6 ? 10 ** (this.digits - 6) : 10 ** (6 - this.digits);
  }

  /** Converts high and low half to `timeUs` and `nanos`. @returns false when the time is not in 1970…2255. */
  convert(high: number, low: number): boolean {
    if (this.digits === 6) {
      this.timeUs = high * TWO32 + low;
      this.nanos = 0;
    } else if (this.digits > 6) {
      const divisor = this.divisor;
      const quotient = Math.floor(high / divisor);
      const rest = (high - quotient * divisor) * TWO32 + low;
      const micros = Math.floor(rest / divisor);
      this.timeUs = quotient * TWO32 + micros;
      this.nanos = Math.floor(((rest - micros * divisor) * 1000) / divisor);
    } else if (this.digits >= 0) {
      this.timeUs = (high * TWO32 + low) * this.divisor;
      this.nanos = 0;
    } else {
      const nanos = (((BigInt(high) << 32n) | BigInt(low)) * 1_000_000_000n) / this.exotic;
      this.timeUs = Number(nanos / 1000n);
      this.nanos = Number(nanos % 1000n);
    }
    this.timeUs += this.offsetSeconds * 1e6;
    return this.timeUs >= 0 && this.timeUs <= Number.MAX_SAFE_INTEGER;
  }
}
