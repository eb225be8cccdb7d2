import { createDevice } from '../../../../client/sdk/device.ts'
import type { Model, Shoal } from '../../../../client/sdk/api.ts'
import { webLocks } from '../../../../client/sdk/locks.ts'
import { idbStorage } from '../../../../client/sdk/storage/idb-storage.ts'
import { workerTrainer } from '../../../../client/sdk/training/worker-trainer.ts'
import { workerHost } from '../../../../client/sdk/worker-host.ts'
import { must } from '../../../../shared/core/assert.ts'
import { fromBase64, fromUtf8 } from '../../../../shared/core/bytes.ts'
import type { Fetch } from '../../../../shared/contract/client.ts'
import { systemClock } from '../../../../shared/core/clock.ts'
import { newId } from '../../../../shared/core/ids.ts'
import { cryptoRandom } from '../../../../shared/core/random.ts'
import type { Envelope } from '../../../../shared/trust/dsse.ts'
import type { WorkerLike } from '../../../../shared/worker/connect-worker.ts'
import { makeModel, pixels } from '../../../workers/small-model.ts'
import { staticServer } from '../static-server.ts'

const LABELS = ['a', 'b', 'c', 'd']
export const image = (i: number): Uint8Array => pixels.map((value) => (value + 31 * i) % 256)
export const PLAN = { epochs: 3, batchSize: 8, learningRate: 0.1, seed: 1, clipNorm: 0.5, maxExamples: 100 }

const open: Shoal[] = []
/** Ends the devices that were made. */
export async function closeWorlds(): Promise<void> {
  for (const shoal of open.splice(0)) await shoal.dispose()
}

/** A control plane with one round that is open, and a device of this browser whose person has labelled some images. */
export async function browserWorld({
  examples = 24,
  filters,
  ...changes
}: Partial<typeof PLAN> & { examples?: number; filters?: number } = {}) {
  const made = await makeModel(0, 4, filters)
  const server = await staticServer()
  await server.publish(made)
  const release = (await (await server.fetch('/v1/models/shapes/releases/stable', {})).json()) as Envelope
  const { stable } = JSON.parse(fromUtf8(fromBase64(release.payload))) as { stable: { version: number; manifest: string } }
  const plan = { ...PLAN, ...changes, model: 'shapes', base: stable.version, baseManifest: stable.manifest }
  const lease = { id: newId('lease', cryptoRandom), round: newId('round', cryptoRandom), plan, expires: Date.now() + 60_000 }
  const bodies: Uint8Array[] = []
  const fetch: Fetch = async (path, init) => {
    if (path === '/v1/apps/shapes/devices')
      return Response.json({ device: newId('device', cryptoRandom), token: 'token', expires: Date.now() + 1e9 }, { status: 201 })
    if (path === '/v1/models/shapes/leases') return Response.json({ lease: bodies.length > 0 ? null : lease })
    if (path !== `/v1/leases/${lease.id}/update`) return server.fetch(path, init)
    bodies.push(new Uint8Array(init.body as Uint8Array))
    return Response.json({ accepted: true, why: 'counted' }, { status: 202 })
  }
  const trainers: { ended: boolean }[] = []
  const shoal = await createDevice({
    app: 'shapes',
    url: '',
    fetch,
    storage: idbStorage({ name: `training-${Date.now()}-${Math.random()}` }),
    host: workerHost({
      spawn: () => new Worker(new URL('../../../../workers/inference/main.ts', import.meta.url), { type: 'module' }) as WorkerLike,
      clock: systemClock,
    }),
    trainer: workerTrainer({
      spawn: () => {
        const worker = new Worker(new URL('../../../../workers/inference/main.ts', import.meta.url), { type: 'module', name: 'training' })
        const life = { ended: false }
        trainers.push(life)
        const terminate = worker.terminate.bind(worker)
        worker.terminate = () => {
          life.ended = true
          terminate()
        }
        return worker as WorkerLike
      },
      clock: systemClock,
    }),
    locks: webLocks(navigator.locks),
    retries: 0,
    consent: { statistics: false, training: true },
  })
  open.push(shoal)
  const model: Model = await shoal.load('shapes')
  for (let i = 0; i < examples; i++) {
    const answer = await model.predict(image(i))
    const { kept } = await model.feedback(answer.id, must(LABELS[i % 4], 'a label'))
    if (!kept) throw new Error(`example ${i} was not kept`)
  }
  return { made, model, bodies, trainers, lease }
}
