import { ElMessage } from 'element-plus';
import { ApiError } from '../api/client.js';
import { locale, t } from '../i18n/index.js';

export interface Said { code: string; message: string; hint?: string }

/** What to tell the operator about a failure: the server's words and hint where there are any, with the code. */
export function explain(failure: unknown): Said {
  if (!(failure instanceof ApiError)) return { code: 'SW_UI_FAULT', message: failure instanceof Error ? failure.message : String(failure) };
  if (failure.status === 0) return { code: failure.code, message: t('words.unreachable') };
  if (failure.code === 'SW_CONSOLE_NO_ROUTE' || failure.status === 501) return { code: failure.code, message: t('words.notOffered') };
  const both = (failure.body.error ?? failure.body) as Record<string, unknown>;
  const pickText = (value: unknown): string | undefined => {
    if (typeof value === 'string') return value;
    if (typeof value === 'object' && value !== null) return (value as Record<string, string>)[locale.value];
    return undefined;
  };
  return {
    code: failure.code,
    message: pickText(both.message) || failure.message || t('words.unknownError'),
    hint: pickText(both.hint),
  };
}

/** Shows a failure as a message that stays long enough to be read. */
export function tell(failure: unknown): void {
  const said = explain(failure);
  ElMessage({ type: 'error', duration: 8000, showClose: true, grouping: true, message: [said.message, said.hint, `[${said.code}]`].filter(Boolean).join(' ') });
}

export function succeed(text: string): void {
  ElMessage({ type: 'success', message: text, grouping: true });
}
