import { reactive } from 'vue';
import type { CSRF_HEADER, Page } from '../../model/api.js';

const CSRF: typeof CSRF_HEADER = 'x-sw-csrf';
let language = 'zh-CN';
/** Language of the server's messages. */
export function setLanguage(tag: string): void {
  language = tag;
}

/** An answer of the console that is not a success: a stable code, what happened and what to do about it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | undefined,
    /** The whole answer; a 409 carries the other's version, an import its faulty lines. */
    readonly body: Record<string, unknown>,
  ) {
    super(message);
  }
}

/** What the last answers said of the connection; the header shows it. */
export const connection = reactive({ reachable: true, signedOut: 0 });

let csrf = '';
export function setCsrf(token: string | undefined): void {
  csrf = token ?? '';
}

/** Short lists come whole, long ones as pages; this takes either. */
export const listOf = <T>(answer: T[] | Page<T>): T[] => (Array.isArray(answer) ? answer : answer.items);

type Query = Record<string, string | number | boolean | readonly string[] | undefined | null>;

/** `?a=1&b=2,3`; empty values are left out. Lists travel comma separated. */
export function queryString(query: Query = {}): string {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)) continue;
    out.set(key, Array.isArray(value) ? value.join(',') : String(value));
  }
  const text = out.toString();
  return text === '' ? '' : '?' + text;
}

async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json', 'accept-language': language };
  if (csrf !== '' && method !== 'GET') headers[CSRF] = csrf;
  let payload: BodyInit | undefined;
  if (body instanceof FormData) payload = body;
  else if (body !== undefined) {
    headers['content-type'] = 'application/json';
    payload = JSON.stringify(body);
  }
  let answer: Response;
  try {
    answer = await fetch(path, { method, headers, body: payload, signal, credentials: 'same-origin', cache: 'no-store' });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    connection.reachable = false;
    throw new ApiError(0, 'SW_UI_UNREACHABLE', '', undefined, {});
  }
  connection.reachable = true;
  const text = await answer.text();
  let data: unknown;
  try {
    data = text === '' ? undefined : JSON.parse(text);
  } catch {
    data = undefined;
  }
  if (answer.ok) return data as T;
  const outer = (data ?? {}) as Record<string, unknown>;
  const error = (typeof outer.error === 'object' && outer.error !== null ? outer.error : outer) as Record<string, unknown>;
  const code = typeof error.code === 'string' ? error.code : `SW_UI_HTTP_${answer.status}`;
  if (answer.status === 401) connection.signedOut++;
  throw new ApiError(answer.status, code, typeof error.message === 'string' ? error.message : '', typeof error.hint === 'string' ? error.hint : undefined, outer);
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal) => request<T>('GET', path + queryString(query), undefined, signal),
  post: <T>(path: string, body: unknown = {}) => request<T>('POST', path, body),
  put: <T>(path: string, body: unknown) => request<T>('PUT', path, body),
  patch: <T>(path: string, body: unknown) => request<T>('PATCH', path, body),
  delete: <T>(path: string, body?: unknown) => request<T>('DELETE', path, body),
};
