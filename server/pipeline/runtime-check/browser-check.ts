import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import * as z from 'zod'
import type { BackendName } from '../../../shared/compute/backends.ts'
import type { Clock } from '../../../shared/core/clock.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { RunnableManifest } from '../../../shared/worker/inference-api.ts'
import { headlessFlags } from './chromium.ts'

const backend = z.union([
  z.strictObject({
    ok: z.literal(true),
    largestDifference: z.number(),
    loadMs: z.number(),
    answerMs: z.number().nullable(),
    bytes: z.number(),
  }),
  z.strictObject({ ok: z.literal(false), code: z.string(), detail: z.string() }),
])
const answer = z.union([
  z.strictObject({ userAgent: z.string(), backends: z.record(z.string(), backend) }),
  z.strictObject({ failed: z.strictObject({ code: z.string(), detail: z.string() }) }),
])
export type BrowserAnswer = Extract<z.output<typeof answer>, { userAgent: string }>

export type BrowserCheck = {
  readonly chromium: string
  /** The built pages. */
  readonly pages: string
  readonly manifest: RunnableManifest
  readonly tensors: Uint8Array
  readonly candidates: readonly BackendName[]
  /** For the browser's profile. */
  readonly folder: string
  readonly timeoutMs: number
  /** Called once the page is there: what goes wrong before that is the browser's fault, not the candidate's. */
  readonly onLoaded?: () => void
  readonly clock: Clock
  readonly signal: AbortSignal
}

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm', '.css': 'text/css' }

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

/**
 * Runs a candidate in the worker of a real, headless browser: the built page is served on the loopback interface, fetches the model, and posts what happened. Throws timeout where
 * it did not answer, worker_died where the browser ended first, and what the page told of its own failure.
 */
export async function checkInBrowser(options: BrowserCheck): Promise<BrowserAnswer> {
  const { promise: told, resolve, reject } = Promise.withResolvers<string>()
  const answers: Record<string, () => { type: string; body: Uint8Array | string }> = {
    '/job.json': () => {
      options.onLoaded?.()
      const { manifest, candidates, timeoutMs } = options
      return { type: 'application/json', body: JSON.stringify({ manifest, candidates, timeoutMs }) }
    },
    '/model.safetensors': () => ({ type: 'application/octet-stream', body: options.tensors }),
  }
  const server = createServer((request, response) => {
    const send = async () => {
      const path = new URL(request.url ?? '/', 'http://loopback').pathname
      if (request.method === 'POST' && path === '/result') {
        resolve(await bodyOf(request))
        response.end()
        return
      }
      const own = answers[path]?.()
      const file = normalize(path.endsWith('/') ? `${path}index.html` : path)
      const found = own ?? { type: TYPES[extname(file)] ?? 'application/octet-stream', body: await readFile(join(options.pages, file)) }
      response.setHeader('content-type', found.type)
      response.end(found.body)
    }
    send().catch(() => {
      response.statusCode = 404
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const browser = spawn(
    options.chromium,
    [...headlessFlags(), `--user-data-dir=${join(options.folder, 'browser')}`, `http://127.0.0.1:${port}/check/`],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let said = ''
  browser.stderr.on('data', (data: Buffer) => {
    said = (said + data.toString()).slice(-1000)
  })
  const ended = new Promise<void>((done) => void browser.once('close', () => done()))
  browser.once('error', (cause) =>
    reject(new AppError('worker_died', `${options.chromium} could not be started: ${cause.message}`, { cause })),
  )
  browser.once('close', (code) =>
    reject(new AppError('worker_died', `the browser ended with code ${code} before it answered: ${said.trim().split('\n').at(-1) ?? ''}`)),
  )
  const stopped = new AbortController()
  const onAbort = () => reject(new AppError('aborted', 'the check was aborted'))
  options.signal.addEventListener('abort', onAbort, { once: true })
  if (options.signal.aborted) onAbort()
  void options.clock
    .sleep(options.timeoutMs, stopped.signal)
    .then(() => reject(new AppError('timeout', `the browser did not answer within ${options.timeoutMs} ms`)))
    .catch(() => undefined)
  try {
    const result = answer.parse(JSON.parse(await told))
    if ('failed' in result) throw new AppError('worker_died', `the page failed: ${result.failed.code}: ${result.failed.detail}`)
    return result
  } finally {
    stopped.abort()
    options.signal.removeEventListener('abort', onAbort)
    browser.kill('SIGKILL')
    await ended
    server.closeAllConnections()
    server.close()
  }
}
