import { join } from 'node:path'
import type { Produced } from '../../../server/pipeline/component.ts'
import { runStepProcess } from '../../../server/pipeline/step-process.ts'
import { createWorkerPool } from '../../../server/pipeline/worker-pool.ts'
import { createFsBlobs } from '../../../server/storage/blob-store.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { ArtifactId, RunId, Slug, StepId } from '../../../shared/core/ids.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { cryptoRandom } from '../../../shared/core/random.ts'
import { measuredPrepare } from './measured-prepare.ts'

/** Every column that many-rows.ts writes, but for the key, the label, and what rows may be told apart by. */
const FEATURES = [
  ...['ordered_at', 'customer', 'country', 'amount', 'quantity', 'discount', 'score', 'temperature', 'latency'],
  ...['session', 'product', 'referrer', 'hour', 'status', 'born', 'latitude', 'longitude', 'review'],
]

const MEMORY_MB = 4096
const MIB = 2 ** 20

export type PreparedRows = { readonly seconds: number; readonly peakMiB: number; readonly outputs: Readonly<Record<string, Produced>> }

/**
 * The step prepare over a file of many-rows.ts, in a process of its own as the server runs it, into a blob store in the folder.
 * `peakMiB` is the most memory that this process has had. Throws the step's own error.
 */
export async function prepareRows(path: string, rows: number, folder: string): Promise<PreparedRows> {
  const blobs = await createFsBlobs({ folder: join(folder, 'blobs'), random: cryptoRandom })
  const workers = createWorkerPool({ clock: systemClock, idle: 1, memoryMb: MEMORY_MB, cacheFolder: join(folder, 'compiled') })
  let peakBytes = Number.NaN
  try {
    const start = systemClock.monotonic()
    const outcome = await runStepProcess({
      workers,
      task: {
        module: measuredPrepare.module,
        component: measuredPrepare.name,
        componentVersion: measuredPrepare.version,
        run: 'run_00000000000000000000' as RunId,
        step: 'step_00000000000000000000' as StepId,
        pipeline: 'rows' as Slug,
        idempotencyKey: 'rows',
        inputs: {
          data: {
            artifact: 'art_00000000000000000000' as ArtifactId,
            type: 'data',
            digest: '0'.repeat(64) as Sha256,
            bytes: 0,
            properties: { rows },
            path,
          },
        },
        params: measuredPrepare.params.parse({
          form: { kind: 'columns', columns: FEATURES },
          label: 'returned',
          id: 'order_id',
        }) as JsonObject,
        reads: null,
        seed: 1,
        folder: join(folder, 'step'),
        kept: join(folder, 'kept'),
      },
      limits: { timeoutMs: 60 * 60 * 1000, memoryMb: MEMORY_MB },
      clock: systemClock,
      blobs,
      request: async () => new Response(null, { status: 404 }),
      signal: new AbortController().signal,
      durable: async () => {},
      onGiven: async () => {},
      onLog: (_level, message) => {
        if (message.startsWith('{')) ({ peakBytes } = JSON.parse(message) as { peakBytes: number })
      },
      onMetrics: () => {},
      onProgress: () => {},
    })
    if (outcome.kind === 'cancelled') throw new AppError('aborted', outcome.reason)
    if (outcome.kind === 'failed') throw new AppError(outcome.failure.code, outcome.failure.detail)
    const seconds = (systemClock.monotonic() - start) / 1000
    return { seconds, peakMiB: Math.round(peakBytes / MIB), outputs: outcome.result.outputs }
  } finally {
    await workers.close()
  }
}
