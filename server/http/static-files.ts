import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Hono } from 'hono'
import { getMimeType } from 'hono/utils/mime'
import { etagOf, matches } from './etag.ts'
import { ISOLATION_HEADERS, PAGE_POLICY } from './security-headers.ts'

type StaticFile = { readonly bytes: Uint8Array<ArrayBuffer>; readonly zipped: Uint8Array<ArrayBuffer> | undefined; readonly etag: string }

const zip = promisify(gzip)
const COMPRESSIBLE = /\.(html|js|css|svg|json|webmanifest|wasm|txt|map)$/
/** Smaller ones do not get smaller. */
const MIN_ZIP_BYTES = 1024

/**
 * The built pages in a folder: what lies in it when this is called, and nothing else. Names with a hash in them (assets/) never change; everything else is
 * asked for anew each time. `/` and `/console/…` answer with their page; an unknown address stays unknown.
 */
export async function staticFiles(folder: string): Promise<((app: Hono) => void) | undefined> {
  const names = await filesIn(folder)
  if (!names.has('/index.html')) return undefined
  const loaded = new Map<string, Promise<StaticFile>>()
  const load = (name: string): Promise<StaticFile> => {
    const file = loaded.get(name) ?? read(join(folder, name))
    loaded.set(name, file)
    return file
  }
  return (app) => {
    app.get('*', async (context, next) => {
      const name = fileFor(context.req.path, names)
      if (name === undefined) return next()
      const file = await load(name)
      const headers: Record<string, string> = {
        'content-type': getMimeType(name) ?? 'application/octet-stream',
        'cache-control': name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        // also on scripts: a worker lives under the policy that its own file came with
        'content-security-policy': PAGE_POLICY,
        ...ISOLATION_HEADERS,
        etag: file.etag,
        vary: 'accept-encoding',
      }
      if (matches(context.req.header('if-none-match') ?? null, file.etag)) return new Response(null, { status: 304, headers })
      const zipped = /\bgzip\b/.test(context.req.header('accept-encoding') ?? '') ? file.zipped : undefined
      if (zipped) headers['content-encoding'] = 'gzip'
      return new Response(zipped ?? file.bytes, { headers })
    })
  }
}

function fileFor(path: string, names: ReadonlySet<string>): string | undefined {
  if (path === '/') return '/index.html'
  if (path !== '/index.html' && names.has(path)) return path
  return (path === '/console' || path.startsWith('/console/')) && names.has('/console/index.html') ? '/console/index.html' : undefined
}

async function filesIn(folder: string): Promise<Set<string>> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return new Set(
      entries
        .filter((entry) => entry.isFile())
        .map((entry) => `/${relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')}`),
    )
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return new Set()
    throw thrown
  }
}

async function read(path: string): Promise<StaticFile> {
  const bytes = new Uint8Array(await readFile(path))
  const zipped = COMPRESSIBLE.test(path) && bytes.length >= MIN_ZIP_BYTES ? new Uint8Array(await zip(bytes)) : undefined
  return { bytes, zipped, etag: etagOf(bytes) }
}
