/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** Test support: a page speaks the language of its reader, in every text, label and hint, apart from what people typed. */
import type { Page } from 'playwright-core';
import { messages } from '../../console/ui/i18n/messages.js';

export type Language = 'zh' | 'en';
export const LANGUAGES = ['zh', 'en'] as const;
export const other = (language: Language): Language => (language === 'zh' ? 'en' : 'zh');

/** What people of a run are called and have typed: it stands on pages of both languages as it was written. */
const typed = new Set<string>();
export function typedByPeople(...texts: string[]): void {
  for (const text of texts) for (const line of text.split('\n')) if (line.trim() !== '') typed.add(line.trim());
}
/** Marks of an official document, which stay in the language of the office that issues it. */
const OFFICIAL = '〔\\d+〕\\d+ ?号|网安通|网络安全监测(?:通报|中心)';

function texts(value: unknown, out: Set<string>): Set<string> {
  if (typeof value === 'string') out.add(value);
  else for (const inner of Object.values(value as object)) texts(inner, out);
  return out;
}
const zh = texts(messages.zh, new Set());
/** English words of the interface that no Chinese page has; names of protocols and formats are the same in both. */
const ENGLISH = [...texts(messages.en, new Set())].filter((s) => !zh.has(s) && /[a-z]{2}/.test(s) && !s.includes('{'));
const ROOMS = Object.keys(messages.zh).join('|');

/** In the page. */
function strangers([language, known, english, rooms, official]: [string, string[], string[], string, string]): string[] {
  const out = new Set<string>();
  const han = /\p{Script=Han}/u;
  const key = new RegExp(`(?:^|[\\s:“"(])(?:${rooms})\\.[a-z]\\w*(?:\\.\\w+)*(?=$|[\\s,;:”")])`);
  const broken = /\b(?:undefined|NaN|Invalid Date)\b|\[object Object\]/;
  const stamp = new RegExp(official, 'g');
  const words = new Set(english);
  const bare = (text: string): string => known.reduce((s, k) => s.replaceAll(k, ' '), text).replace(stamp, ' ').trim();
  const judge = (text: string, where: string, code: boolean, captured = false): void => {
    const s = bare(text);
    if (s === '') return;
    const told = `${where}: ${text.trim().slice(0, 80)}`;
    if (!code && (key.test(s) || broken.test(s))) out.add(`no text in ${told}`);
    if (language === 'en' ? !code && han.test(s) : (!code && !captured && words.has(s)) || (!code && !han.test(s) && /[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,}){3}/.test(s))) out.add(`${language === 'en' ? 'Chinese' : 'English'} in ${told}`);
  };
  const path = (e: Element): string => `${e.parentElement?.className ?? ''} > ${e.localName}.${typeof e.className === 'string' ? e.className : ''}`.slice(0, 80);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node instanceof Text) {
      const e = node.parentElement!;
      if (node.data.trim() === '' || e.closest('script, style, .avatar, [data-testid="switch-language"]') || !e.checkVisibility()) continue;
      judge(node.data, path(e), e.closest('pre, code, .mono, .hex, .captured.block:not(.typed, .prose), mark, input, textarea') !== null, e.closest('.captured') !== null);
    } else {
      const e = node as Element;
      for (const name of ['title', 'aria-label', 'placeholder', 'alt']) {
        const value = e.getAttribute(name);
        if (value && e.checkVisibility()) judge(value, `${name} of ${path(e)}`, e.matches('.mono, code, .captured *'));
      }
    }
  }
  return [...out];
}

/** What stands on the page in the other language, as a key, or as a value that has no text. */
export const mixed = (page: Page, language: Language): Promise<string[]> => page.evaluate(strangers, [language, [...typed].sort((a, b) => b.length - a.length), ENGLISH, ROOMS, OFFICIAL] as [string, string[], string[], string, string]);
