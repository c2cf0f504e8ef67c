/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** Test support: what can be reached and seen by the Tab key alone. */
import type { Page } from 'playwright-core';

/** More steps than any page of a test has controls. */
const STEPS_MAX = 220;

/** In the page: gives every control that a mouse can use a number, and says which. */
function controls(within: string): string[] {
  const root = [...document.querySelectorAll(within)].at(-1);
  if (!root) return [];
  const wanted = 'a[href], button, input, select, textarea, summary, [role="button"], [role="link"], [role="tab"], [role="switch"], [role="checkbox"], [role="combobox"], [tabindex]';
  const out: string[] = [];
  for (const e of root.querySelectorAll<HTMLElement>(wanted)) {
    e.removeAttribute('data-reach');
    const own = e.closest<HTMLElement>('a[href], button, label') ?? e;
    const box = own.getBoundingClientRect();
    // What cannot be used, what is there for the mouse beside a key of its own, and one of several that the arrow keys walk (tabs, radios).
    if (box.width === 0 || !e.checkVisibility({ visibilityProperty: true }) || (e as HTMLInputElement).disabled || e.closest('[inert], [aria-hidden="true"]')) continue;
    if (e.closest('[role="grid"] [role="row"], .el-tabs__nav, [role="radiogroup"], .el-select__selection, .el-input__suffix, .el-range-editor, .el-date-editor') || e.matches('[tabindex="-1"], [role="radio"]')) continue;
    if (e.parentElement?.closest('a[href], button')) continue;
    e.setAttribute('data-reach', String(out.length));
    out.push(`${e.localName} ${e.getAttribute('data-testid') ?? e.getAttribute('aria-label') ?? e.textContent!.trim().slice(0, 30)}`);
  }
  return out;
}

/** In the page: where the focus is, and whether that can be seen. */
function focus(): { reach: string[]; seen: boolean; what: string } | undefined {
  const e = document.activeElement as HTMLElement | null;
  if (!e || e === document.body) return undefined;
  const near = [e, ...['.el-input__wrapper', '.el-select__wrapper', '.el-checkbox', '.el-textarea', '.el-switch', 'label', '.el-upload', 'rect'].flatMap((s) => e.closest(s) ?? e.querySelector(s) ?? [])];
  const drawn = (x: Element): boolean => {
    const s = getComputedStyle(x);
    return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || (s.boxShadow !== 'none' && s.boxShadow !== '') || (x.localName === 'rect' && parseFloat(s.strokeWidth) >= 3);
  };
  const box = e.getBoundingClientRect();
  const shown = near.some(drawn) || near.some((x) => [...x.querySelectorAll('.el-checkbox__inner, .el-switch__core, .el-input__wrapper, .el-textarea__inner')].some(drawn));
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return { reach: [e, ...near].map((x) => x.getAttribute('data-reach')).filter((r) => r !== null), seen: shown && (inside || e.matches('.sr, .skip')), what: e.outerHTML.slice(0, 140) };
}

/**
 * Walks through `within` by Tab until the focus leaves it or comes round.
 * @returns controls that were not reached, and places where the focus could not be seen
 */
export async function byTab(page: Page, within: string): Promise<{ missed: string[]; unseen: string[]; steps: number }> {
  const all = await page.evaluate(controls, within);
  const reached = new Set<string>();
  const unseen = new Set<string>();
  let steps = 0;
  for (let left = 0; steps < STEPS_MAX && reached.size < all.length && left < 3; steps++) {
    await page.keyboard.press('Tab');
    const now = await page.evaluate(focus);
    if (!now) {
      left++;
      continue;
    }
    for (const r of now.reach) reached.add(r);
    if (!now.seen) unseen.add(now.what);
  }
  return { missed: all.filter((_, n) => !reached.has(String(n))), unseen: [...unseen], steps };
}
