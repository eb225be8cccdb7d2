import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { must } from '../../shared/core/assert.ts'
import { utf8 } from '../../shared/core/bytes.ts'
import { canonicalJson } from '../../shared/core/canonical-json.ts'
import { AppError, toAppError } from '../../shared/core/errors.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Produced, ProducedOptions, StepBlobs } from './component.ts'
import type { BlobReply, BlobRequest, StepFailure, StepPort } from './step-protocol.ts'

export function failureOf(thrown: unknown): StepFailure {
  const { code, detail, issues, stack, cause } = toAppError(thrown)
  const trace = cause instanceof Error ? cause.stack : stack
  return { code, detail, issues, ...(trace === undefined ? {} : { stack: trace }) }
}

/** Files that data comes from are larger than an uploaded blob may be. */
const MAX_ARTIFACT_BYTES = 64 * 1024 * 1024 * 1024

/** Carries out a worker's requests to the blob store. */
export function serveBlobs(port: StepPort, blobs: BlobStore): void {
  const put = async (data: Uint8Array | ReadableStream<Uint8Array>) => {
    const { digest, bytes } = await blobs.put(data, { maxBytes: MAX_ARTIFACT_BYTES })
    return { digest, bytes }
  }
  const carryOut = async (request: BlobRequest) => {
    if (request.kind === 'path') return { path: blobs.path(request.digest) }
    if (request.kind === 'put') return put(request.bytes)
    return put(Readable.toWeb(createReadStream(request.path)) as ReadableStream<Uint8Array>)
  }
  port.on('message', (request: BlobRequest) => {
    carryOut(request).then(
      (reply) => port.postMessage({ id: request.id, ...reply } satisfies BlobReply),
      (thrown: unknown) => port.postMessage({ id: request.id, failure: failureOf(thrown) } satisfies BlobReply),
    )
  })
}

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never

/** The blob store as seen from the worker. */
export function bridgedBlobs(port: StepPort): StepBlobs {
  let last = 0
  const waiting = new Map<number, (reply: BlobReply) => void>()
  port.on('message', (reply: BlobReply) => {
    waiting.get(reply.id)?.(reply)
    waiting.delete(reply.id)
  })
  const ask = async (request: Unnumbered<BlobRequest>): Promise<BlobReply> => {
    const id = ++last
    const reply = await new Promise<BlobReply>((resolve) => {
      waiting.set(id, resolve)
      port.postMessage({ id, ...request })
    })
    if ('failure' in reply) throw new AppError(reply.failure.code, reply.failure.detail, { issues: reply.failure.issues })
    return reply
  }
  const produce = async (request: Unnumbered<BlobRequest>, { properties = {}, name = '' }: ProducedOptions = {}): Promise<Produced> => {
    const reply = await ask(request)
    if (!('digest' in reply)) throw new Error('the blob store answered something else')
    return { digest: reply.digest, bytes: reply.bytes, properties, name }
  }
  const path: StepBlobs['path'] = async (digest) => {
    const reply = await ask({ kind: 'path', digest })
    return must('path' in reply ? reply.path : undefined, 'the path of a blob')
  }
  return {
    json: (value, options) => produce({ kind: 'put', bytes: utf8(canonicalJson(value)) }, options),
    bytes: (data, options) => produce({ kind: 'put', bytes: data }, options),
    file: (from, options) => produce({ kind: 'put-file', path: from }, options),
    read: async (digest) => new Uint8Array(await readFile(await path(digest))),
    path,
  }
}
