import { type Endpoint, expose, transfer } from 'comlink'
import { fromProblem, AppError, type Problem, toAppError, toProblem } from '../core/errors.ts'

/** Methods over a thread's border: plain data in, plain data out. */
export type WorkerApi = { readonly [method: string]: (...args: never[]) => Promise<unknown> }

/** An answer as it travels. comlink alone would carry an error's message only; the code is what callers decide by. */
export type WireReply = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: Problem }

export type WireApi = { hello(): Promise<{ protocol: number }>; call(method: string, args: readonly unknown[]): Promise<WireReply> }

/** The buffers of a value's typed arrays: they move instead of being copied. */
export function buffersOf(value: unknown, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer)
  } else if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') buffersOf(item, found)
  } else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) buffersOf(member, found)
  }
  return [...found]
}

/**
 * Serves an API from a worker. Whatever a method throws reaches the caller as an AppError with its code.
 *
 * @example serveWorker(createInferenceService({ wasmPath }), { protocol: INFERENCE_PROTOCOL })
 */
export function serveWorker(api: object, { protocol, endpoint }: { readonly protocol: number; readonly endpoint?: Endpoint }): void {
  const methods = new Map(Object.entries(api as WorkerApi))
  const wire: WireApi = {
    async hello() {
      return { protocol }
    },
    async call(name, args) {
      try {
        const method = methods.get(name)
        if (method === undefined) throw new AppError('protocol_mismatch', `this worker has no method ${name}`)
        const value = await method(...(args as never[]))
        return transfer({ ok: true, value } as const, buffersOf(value))
      } catch (thrown) {
        return { ok: false, problem: toProblem(toAppError(thrown)) }
      }
    },
  }
  expose(wire, endpoint)
}

/** The value of a reply, or its failure thrown. */
export function openReply(reply: WireReply): unknown {
  if (reply.ok) return reply.value
  throw fromProblem(reply.problem) ?? new AppError('protocol_mismatch', 'the worker answered in an unknown form')
}
