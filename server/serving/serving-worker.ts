import { parentPort } from 'node:worker_threads'
import type { Endpoint } from 'comlink'
import { type LatencyWatch, latencyWatch } from '../../shared/compute/latency-watch.ts'
import type { Runtime } from '../../shared/compute/runtime.ts'
import { must } from '../../shared/core/assert.ts'
import { systemClock } from '../../shared/core/clock.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import { asNumbers, type ModelTensor } from '../../shared/tensor/model-tensor.ts'
import { takesTensors } from '../../shared/worker/prepare-tensors.ts'
import { serveWorker } from '../../shared/worker/serve-worker.ts'
import { openVersion } from './open-version.ts'
import { prepareBatch } from './serving.ts'
import { readTensors, tensorsOf } from './serving-tensors.ts'
import { SERVING_PROTOCOL, type ServedAnswer, type ServedManifest, type ServingApi } from './serving-api.ts'

type Loaded = {
  readonly runtime: Runtime
  readonly manifest: ServedManifest
  readonly watch: LatencyWatch | undefined
  users: number
  retired: boolean
}

/** The thread that answers for the server: whatever a model costs, the event loop stays free. */
const loaded = new Map<Sha256, Loaded>()

function disposeIfDone({ runtime, users, retired }: Loaded): void {
  if (retired && users === 0) runtime.dispose()
}

function retire(digest: Sha256): void {
  const entry = loaded.get(digest)
  if (entry === undefined) return
  loaded.delete(digest)
  entry.retired = true
  disposeIfDone(entry)
}

/** The answers to several inputs: tensors one after another, images and rows in one pass. */
async function answersOf(
  entry: Loaded,
  inputs: Parameters<ServingApi['predict']>[1],
): Promise<{ answers: ServedAnswer[]; drifted: boolean }> {
  const { runtime, manifest, watch } = entry
  let drifted = false
  // what was measured is the time of one example
  const ask = async (tensors: readonly ModelTensor[], examples: number): Promise<ModelTensor[]> => {
    const start = systemClock.monotonic()
    const answer = await runtime.predict(tensors)
    if (examples === 1 && watch?.add(systemClock.monotonic() - start) === true) drifted = true
    return answer
  }
  if (takesTensors(manifest)) {
    const answers: ServedAnswer[] = []
    for (const [i, input] of inputs.entries()) answers.push(readTensors(manifest, await ask(tensorsOf(manifest, input, i), 1)))
    return { answers, drifted }
  }
  const [output] = await ask([{ dtype: 'float32', ...prepareBatch(manifest, inputs) }], inputs.length)
  const { data } = asNumbers(must(output, 'an output'), 'output 0')
  const width = data.length / inputs.length
  const rowOf = (i: number): ModelTensor => ({
    dtype: 'float32',
    shape: [1, width],
    data: Float32Array.from(data.subarray(i * width, (i + 1) * width)),
  })
  return { answers: inputs.map((_, i) => readTensors(manifest, [rowOf(i)])), drifted }
}

const api: ServingApi = {
  async load(version) {
    const { digest, manifest } = version
    const { runtime, choice, fingerprint } = await openVersion(version)
    const expected = choice.timings[choice.candidate]?.median
    const watch = expected === undefined ? undefined : latencyWatch(expected)
    retire(digest)
    loaded.set(digest, { runtime, manifest, watch, users: 0, retired: false })
    return { choice, fingerprint, labels: manifest.labels }
  },
  async predict(digest, inputs) {
    const entry = loaded.get(digest)
    if (entry === undefined) throw new AppError('worker_died', 'the thread that had loaded the version has ended: ask again')
    entry.users++
    try {
      return { backend: entry.runtime.backend, ...(await answersOf(entry, inputs)) }
    } finally {
      entry.users--
      disposeIfDone(entry)
    }
  },
  async unload(digest) {
    retire(digest)
  },
}

serveWorker(api, { protocol: SERVING_PROTOCOL, endpoint: must(parentPort, 'a parent thread') as unknown as Endpoint })
