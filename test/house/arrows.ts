/** Who may import what. One function, so that the test of the tree and the test of the rule use the same. */

const NODE = /^node:/
const DOM_ONLY = /^(preact|@preact\/|uplot|idb$|workbox-|virtual:)/
const SERVER_ONLY = /^(hono|@hono\/|kysely|@duckdb\/|pg$|pg-boss|@logtape\/|citty|cli-progress)/
const DRIVERS = /^server\/storage\/(node-sqlite|postgres|blob-fs|blob-s3)/
const DRIVER_PACKAGES = /^(node:sqlite|better-sqlite3|pg$|@aws-sdk\/)/

const areaOf = (path: string): string | undefined => /^(shared|server|client|workers|test|public)\//.exec(path)?.[1]

/** Why `from` may not import `to`; undefined where it may. Both are paths from the root, or `to` is a package. */
export function wrongArrow(from: string, to: string): string | undefined {
  const [source, target] = [areaOf(from), areaOf(to)]
  if (source === 'test' || source === undefined) return undefined
  if (target === 'test') return 'tests import the product, never the other way'
  if (source === 'shared') {
    if (target !== undefined && target !== 'shared') return 'shared imports nothing of ours outside shared'
    if (NODE.test(to) || DOM_ONLY.test(to) || SERVER_ONLY.test(to)) return 'shared runs anywhere: no Node, no DOM, no I/O'
  }
  if (source === 'server' && target === 'client') return 'server and client never import each other'
  if (source === 'client' && target === 'server') return 'server and client never import each other'
  if (source === 'server' && DOM_ONLY.test(to)) return 'this package belongs to the browser'
  if ((source === 'client' || source === 'workers') && (NODE.test(to) || SERVER_ONLY.test(to))) return 'this package belongs to the server'
  if (source === 'workers' && target !== undefined && target !== 'shared' && target !== 'workers') return 'workers import shared only'
  if (DRIVERS.test(to) && from !== 'server/main.ts' && !from.startsWith('server/storage/'))
    return 'storage drivers are imported by main.ts and tests only'
  if (DRIVER_PACKAGES.test(to) && !from.startsWith('server/storage/')) return 'a driver package stands behind server/storage'
  // the address of a file is no code: the bundler gives it to whoever starts the backend
  const isAddress = to.endsWith('.wasm?url')
  if (/^(@tensorflow\/|onnxruntime-)/.test(to) && !isAddress && !from.startsWith('shared/compute/'))
    return 'tfjs and onnxruntime stand behind shared/compute'
  if (/^zod($|\/v4$|\/v3$)/.test(to) && source !== 'server') return 'what ships to browsers takes zod/mini'
  return undefined
}

/** SQL text stands in `*-store.ts`, migrations and server/storage only. */
export const maySpeakSql = (path: string): boolean => path.endsWith('-store.ts') || path.startsWith('server/storage/')
