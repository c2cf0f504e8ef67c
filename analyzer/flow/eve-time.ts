let cachedSecond = -1;
let cachedText = '';

/** EVE timestamp of µs since the epoch: `2019-10-01T08:00:00.000000+0000`. */
export function eveTime(timeUs: number): string {
  const second = Math.floor(timeUs / 1e6);
  if (second !== cachedSecond) {
    cachedSecond = second;
    const date = new Date(second * 1000);
    cachedText = Number.isNaN(date.getTime()) ? '1970-01-01T00:00:00' : date.toISOString().slice(0, 19);
  }
  return `${cachedText}.${String(Math.floor(timeUs - second * 1e6)).padStart(6, '0')}+0000`;
}
