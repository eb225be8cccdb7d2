import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import { MAX_BLOB_BYTES } from '../../shared/core/limits.ts'
import type { EventBus } from '../events.ts'
import { eventStream } from '../http/event-stream.ts'
import type { Handlers } from '../http/register.ts'
import type { Registry } from '../registry/registry-service.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { blobResponse } from './blob-response.ts'
import type { Releases } from './release-service.ts'
import type { Trust } from './signing-keys.ts'

export type DeliveryServices = {
  readonly trust: Trust
  readonly releases: Releases
  readonly registry: Registry
  readonly blobs: BlobStore
  readonly events: EventBus
  readonly clock: Clock
  /** Aborted when the server stops: open streams end. */
  readonly closing: AbortSignal
}

export const deliveryRoutes = ({ trust, releases, registry, blobs, events, clock, closing }: DeliveryServices): Handlers => ({
  'root.get': async () => trust.root().envelope,
  'release.get': async ({ params: { model, alias } }) => {
    const release = await releases.current(model, alias)
    if (release) return release.envelope
    await registry.getModel(model)
    throw new AppError('not_found', `nothing has been released as ${model}@${alias}`)
  },
  'manifest.get': ({ params }) => registry.envelopeOf(params.digest),
  'blob.get': ({ params, request }) => blobResponse(blobs, params.digest, request),
  'blob.put': async ({ params, body }) => {
    const { digest, bytes } = await blobs.put(body, { expect: params.digest, maxBytes: MAX_BLOB_BYTES })
    return { digest, bytes }
  },
  'bell.listen': async ({ signal }) =>
    eventStream({
      clock,
      signals: [signal, closing],
      subscribe: (send) =>
        events.subscribe(({ type, data }) => {
          if (type !== 'release.published') return
          const { model, alias, sequence } = data as { model: string; alias: string; sequence: number }
          send({ model, alias, sequence })
        }),
    }),
})
