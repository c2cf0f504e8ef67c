import type { Alert } from '../../contracts/alert.js';
import type { HttpView, PayloadView } from '../model/api.js';

// What a page shows of one body; the whole is in the evidence.
const BODY_MAX = 64 * 1024;
const HEADERS_MAX = 200;
const VALUE_MAX = 8192;

const text = (value: unknown, max = VALUE_MAX): string | undefined =>
  typeof value === 'string' ? value.slice(0, max) : typeof value === 'number' ? String(value) : undefined;

/** base64 as text; bytes that are no UTF-8 become U+FFFD. Malformed base64 decodes as far as it goes. */
const decoded = (value: unknown): string | undefined =>
  typeof value === 'string' ? new TextDecoder().decode(Buffer.from(value.slice(0, BODY_MAX * 2), 'base64').subarray(0, BODY_MAX)) : undefined;

function headers(value: unknown): { name: string; value: string }[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, HEADERS_MAX).map((h: unknown) => ({
    name: text((h as { name?: unknown })?.name, 256) ?? '', value: text((h as { value?: unknown })?.value) ?? '',
  }));
}

/** The HTTP exchange of an alert as text, from EVE's `http` object. Undefined where there is none. */
export function httpView(eve: Alert): HttpView | undefined {
  const http = eve.http as Record<string, unknown> | undefined;
  if (typeof http !== 'object' || http === null) return undefined;
  const requestHeaders = headers(http.request_headers);
  const responseHeaders = headers(http.response_headers);
  const known = (list: { name: string }[], name: string): boolean => list.some((h) => h.name.toLowerCase() === name);
  for (const [name, field] of [['User-Agent', 'http_user_agent'], ['Referer', 'http_refer'], ['Content-Type', 'http_request_content_type']] as const) {
    const value = text(http[field]);
    if (value !== undefined && !known(requestHeaders, name.toLowerCase())) requestHeaders.push({ name, value });
  }
  const type = text(http.http_content_type);
  if (type !== undefined && !known(responseHeaders, 'content-type')) responseHeaders.push({ name: 'Content-Type', value: type });
  const requestBody = text(http.http_request_body_printable, BODY_MAX) ?? decoded(http.http_request_body);
  const responseBody = text(http.http_response_body_printable, BODY_MAX) ?? decoded(http.http_response_body);
  return {
    method: text(http.http_method, 64), url: text(http.url), host: text(http.hostname, 512), protocol: text(http.protocol, 32),
    ...(typeof http.status === 'number' ? { status: http.status } : {}),
    requestHeaders, responseHeaders, ...(requestBody === undefined ? {} : { requestBody }), ...(responseBody === undefined ? {} : { responseBody }),
  };
}

/** EVE's `payload` (base64) with its printable form. */
export function payloadView(eve: Alert): PayloadView | undefined {
  if (typeof eve.payload !== 'string') return undefined;
  const bytes = Buffer.from(eve.payload, 'base64');
  const cut = bytes.subarray(0, BODY_MAX);
  const printable = typeof eve.payload_printable === 'string' ? eve.payload_printable.slice(0, BODY_MAX)
    : cut.toString('latin1').replace(/[^\x20-\x7e\r\n\t]/g, '.');
  return { bytes: bytes.length, data: cut.toString('base64'), printable };
}
