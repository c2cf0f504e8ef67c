/** Answers that several stand-in servers give. */
export const html = (body, extra = {}) => [200, { 'Content-Type': 'text/html;charset=UTF-8', ...extra }, body];
export const text = (body, extra = {}) => [200, { 'Content-Type': 'text/plain;charset=UTF-8', ...extra }, body];
export const json = (value, status = 200) => [status, { 'Content-Type': 'application/json;charset=UTF-8' }, JSON.stringify(value)];
export const notFound = () => [404, { 'Content-Type': 'text/html;charset=utf-8' },
  '<!doctype html><html lang="en"><head><title>HTTP Status 404 – Not Found</title></head><body><h1>HTTP Status 404 – Not Found</h1></body></html>'];
export const toLogin = () => [302, { Location: '/login.html', 'Content-Length': '0' }, ''];
export const blocked = () => [403, { 'Content-Type': 'text/html;charset=utf-8', Server: 'WAF' },
  '<html><head><meta charset="utf-8"><title>访问被拦截</title></head><body><h1>405 您的请求存在安全风险，已被拦截</h1><p>事件编号 8f2a11c0</p></body></html>'];
export const page = (title) => html(`<!DOCTYPE html><html><head><meta charset="utf-8"><title>${title}</title></head><body><div id="app"><h1>${title}</h1><p>欢迎访问</p></div></body></html>`);

/** Deterministic bytes that look encrypted. */
export function noise(bytes, seed = 1) {
  const out = Buffer.alloc(bytes);
  let x = seed >>> 0 || 1;
  for (let i = 0; i < bytes; i++) {
    x ^= x << 13; x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5; x >>>= 0;
    out[i] = x & 255;
  }
  return out;
}
