import { createI18n } from 'vue-i18n';
import { computed } from 'vue';
import type { Bilingual } from '../../../contracts/alert.js';
import { setLanguage } from '../api/client.js';
import { messages, type Locale } from './messages.js';

const KEY = 'shouwang.locale';
const stored = localStorage.getItem(KEY);
const first: Locale = stored === 'zh' || stored === 'en' ? stored : navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';

export const i18n = createI18n({ legacy: false, locale: first, fallbackLocale: 'zh', messages, missingWarn: false, fallbackWarn: false });

export const locale = computed<Locale>(() => i18n.global.locale.value as Locale);

export function setLocale(next: Locale): void {
  i18n.global.locale.value = next;
  localStorage.setItem(KEY, next);
  const tag = next === 'zh' ? 'zh-CN' : 'en';
  document.documentElement.lang = tag;
  setLanguage(tag);
}
setLocale(first);

export const t = i18n.global.t;

/** One language of a text that the server gives in both. */
export function pick(text: Bilingual | undefined | null): string {
  if (!text) return '';
  return locale.value === 'zh' ? text.zh || text.en : text.en || text.zh;
}

/** A title as the reader's language has it; one that a person wrote is the same in both. */
export const titleOf = (x: { title: string; titles?: Bilingual }): string => (x.titles ? pick(x.titles) : x.title);
