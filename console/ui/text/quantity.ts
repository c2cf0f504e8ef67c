/** 1234567 → `1,234,567`; large ones shorten where `compact`: 1.2M, in Chinese 123.5万. */
export function quantity(n: number | undefined | null, locale: 'zh' | 'en', compact = false): string {
  if (n === undefined || n === null || Number.isNaN(n)) return '—';
  return new Intl.NumberFormat(locale === 'zh' ? 'zh-CN' : 'en', compact ? { notation: 'compact', maximumFractionDigits: 1 } : { maximumFractionDigits: 1 }).format(n);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
/** Bytes in binary units, three digits. */
export function bytes(n: number | undefined | null): string {
  if (n === undefined || n === null || Number.isNaN(n)) return '—';
  let value = Math.abs(n);
  let k = 0;
  while (value >= 1024 && k < UNITS.length - 1) {
    value /= 1024;
    k++;
  }
  return `${n < 0 ? '-' : ''}${k === 0 ? value : value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[k]}`;
}

const RATES = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];
/** Bits a second in decimal units, as links are named. */
export function rate(bitsPerSecond: number | undefined | null): string {
  if (bitsPerSecond === undefined || bitsPerSecond === null || Number.isNaN(bitsPerSecond)) return '—';
  let value = bitsPerSecond;
  let k = 0;
  while (value >= 1000 && k < RATES.length - 1) {
    value /= 1000;
    k++;
  }
  return `${value >= 100 || k === 0 ? value.toFixed(0) : value.toFixed(1)} ${RATES[k]}`;
}
