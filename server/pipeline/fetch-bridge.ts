import type { Fetch } from '../../shared/contract/client.ts'
import type { Bytes } from '../../shared/core/bytes.ts'
import type { StepPort } from './step-protocol.ts'

/** Requests from a step to the server that started it, over a port: no socket, no key that could leak. */
type BridgeRequest = {
  readonly id: number
  readonly url: string
  readonly method: string
  readonly headers: [string, string][]
  readonly body: Bytes | null
}
type BridgeReply = { readonly id: number } & (
  | { readonly status: number; readonly headers: [string, string][]; readonly body: Bytes }
  | { readonly failed: string }
)
type BridgeMessage = BridgeRequest | { readonly abort: number }

/** The base of the URLs that go over the bridge; it names no host. */
export const BRIDGE_URL = 'http://shoal.internal'

const transferable = (bytes: Bytes): ArrayBuffer[] =>
  bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer] : []

/** Answers what comes over the port. Runs on the server's side. */
export function serveBridge(port: StepPort, request: (request: Request) => Promise<Response>): () => void {
  const running = new Map<number, AbortController>()
  const answer = async ({ id, url, method, headers, body }: BridgeRequest) => {
    const controller = new AbortController()
    running.set(id, controller)
    try {
      const response = await request(new Request(url, { method, headers, body, signal: controller.signal }))
      const bytes = new Uint8Array(await response.arrayBuffer())
      port.postMessage(
        { id, status: response.status, headers: [...response.headers], body: bytes } satisfies BridgeReply,
        transferable(bytes),
      )
    } catch (thrown) {
      port.postMessage({ id, failed: thrown instanceof Error ? thrown.message : String(thrown) } satisfies BridgeReply)
    } finally {
      running.delete(id)
    }
  }
  port.on('message', (message: BridgeMessage) => {
    if ('abort' in message) running.get(message.abort)?.abort()
    else void answer(message)
  })
  return () => {
    for (const controller of running.values()) controller.abort()
    port.close()
  }
}

/** A fetch whose requests go over the port. Runs in the worker. */
export function bridgedFetch(port: StepPort): Fetch {
  let last = 0
  const waiting = new Map<number, (reply: BridgeReply) => void>()
  port.on('message', (reply: BridgeReply) => {
    waiting.get(reply.id)?.(reply)
    waiting.delete(reply.id)
  })
  return async (url, init) => {
    const request = new Request(url, init)
    const body = request.body === null ? null : new Uint8Array(await request.arrayBuffer())
    const id = ++last
    const reply = await new Promise<BridgeReply>((resolve, reject) => {
      waiting.set(id, resolve)
      init.signal?.addEventListener(
        'abort',
        () => {
          port.postMessage({ abort: id } satisfies BridgeMessage)
          waiting.delete(id)
          reject(init.signal?.reason)
        },
        { once: true },
      )
      port.postMessage(
        { id, url, method: request.method, headers: [...request.headers], body } satisfies BridgeRequest,
        body === null ? [] : transferable(body),
      )
    })
    if ('failed' in reply) throw new TypeError(reply.failed)
    const empty = reply.status === 204 || reply.status === 304
    return new Response(empty ? null : reply.body, { status: reply.status, headers: reply.headers })
  }
}
