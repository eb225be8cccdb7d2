const OPENER = { 'cross-origin-opener-policy': 'same-origin' }

/** For every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  ...OPENER,
}

/**
 * For pages: only our own scripts. WebAssembly needs 'wasm-unsafe-eval', its worker threads start from a blob, plots set inline styles.
 * `connect-src https:` lets an installed app talk to a control plane elsewhere.
 */
export const PAGE_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "connect-src 'self' https:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * For our own pages and all that they load: they isolate a page, which so may share memory between threads. Every file carries them, as a worker starts in such a page only
 * where its own script does.
 */
export const ISOLATION_HEADERS: Readonly<Record<string, string>> = {
  ...OPENER,
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
}

/** For answers that are data: even opened as a page they do nothing. */
export const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
