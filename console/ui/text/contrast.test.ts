import t from 'tap';
import { readFileSync } from 'node:fs';

/** WCAG 2.2, 1.4.3: text needs 4.5 to 1; 1.4.11: what says something without text needs 3 to 1. */
const TEXT = 4.5;
const SIGN = 3;
const css = readFileSync('console/ui/styles/theme.css', 'utf8');
const block = (head: string) => Object.fromEntries([...css.slice(css.indexOf(head)).split('}')[0].matchAll(/--(sw-[\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1], m[2]]));
const light = block(':root {');
const themes: Record<string, Record<string, string>> = { light, dark: { ...light, ...block(':root.dark {') } };

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const ratio = (a: string, b: string) => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};

const TONES = ['critical', 'high', 'medium', 'low', 'info', 'ok'];
const PAIRS: [string, string, number][] = [
  ...['sw-text', 'sw-text-2', 'sw-text-3', 'sw-accent', ...TONES.map((x) => `sw-${x}`)].flatMap((ink): [string, string, number][] => ['sw-bg', 'sw-surface', 'sw-raised'].map((paper) => [ink, paper, TEXT])),
  ...TONES.map((x): [string, string, number] => [`sw-${x}`, `sw-${x}-soft`, TEXT]),
  ['sw-text', 'sw-accent-soft', TEXT], ['sw-text-2', 'sw-accent-soft', TEXT], ['sw-text-3', 'sw-accent-soft', TEXT], ['sw-accent', 'sw-accent-soft', TEXT],
  ['sw-mark-text', 'sw-mark', TEXT], ['sw-nav-text', 'sw-nav', TEXT], ['sw-nav-text', 'sw-nav-2', TEXT], ['sw-nav-on', 'sw-nav', TEXT],
  ['sw-surface', 'sw-critical', TEXT], ['sw-surface', 'sw-accent', TEXT],
  ['sw-focus', 'sw-bg', SIGN], ['sw-focus', 'sw-surface', SIGN], ['sw-accent', 'sw-line', SIGN],
];

t.test('the measure itself', async (t) => {
  t.equal(ratio('#000000', '#ffffff'), 21);
  t.equal(ratio('#777777', '#ffffff').toFixed(2), '4.48');
});
for (const [name, colours] of Object.entries(themes)) {
  t.test(`${name}: every pair of colours in use can be read`, async (t) => {
    for (const [ink, paper, least] of PAIRS) {
      const has = ratio(colours[ink], colours[paper]);
      t.ok(has >= least, `${ink} on ${paper}: ${has.toFixed(2)} of ${least}`);
    }
  });
}
