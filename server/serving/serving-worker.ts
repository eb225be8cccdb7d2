import { parentPort } from 'node:worker_threads'
import type { Endpoint } from 'comlink'
import type { Runtime } from '../../shared/compute/runtime.ts'
import { runSelfTest } from '../../shared/compute/self-test.ts'
import { must } from '../../shared/core/assert.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import { unwrap } from '../../shared/core/result.ts'
import { selfTestOf } from '../../shared/tensor/golden.ts'
import { asNumbers } from '../../shared/tensor/model-tensor.ts'
import { assembleTensors } from '../../shared/tensor/pieces.ts'
import { takesTensors } from '../../shared/worker/prepare-tensors.ts'
import { serveWorker } from '../../shared/worker/serve-worker.ts'
import { openRuntime } from './open-runtime.ts'
import { labelled, prepareBatch } from './serving.ts'
import { readTensors, tensorsOf } from './serving-tensors.ts'
import { SERVING_PROTOCOL, type ServedAnswer, type ServedManifest, type ServingApi } from './serving-api.ts'

/** The thread that answers for the server: whatever a model costs, the event loop stays free. */
const loaded = new Map<Sha256, { runtime: Runtime; manifest: ServedManifest }>()

const api: ServingApi = {
  async load({ digest, manifest, pieces }) {
    const tensors = await assembleTensors(manifest.tensors, pieces)
    const source = { format: manifest.requires.runtime, topology: manifest.topology, tensors }
    const runtime = await openRuntime(source)
    const tested = await runSelfTest(runtime, selfTestOf(manifest.selfTest))
    if (!tested.ok) runtime.dispose()
    unwrap(tested)
    loaded.get(digest)?.runtime.dispose()
    loaded.set(digest, { runtime, manifest })
    return { backend: runtime.backend, labels: manifest.labels }
  },
  async predict(digest, inputs) {
    const found = loaded.get(digest)
    if (found === undefined) throw new AppError('worker_died', 'the thread that had loaded the version has ended: ask again')
    const { runtime, manifest } = found
    if (takesTensors(manifest)) {
      const answers: ServedAnswer[] = []
      for (const [i, input] of inputs.entries()) answers.push(readTensors(manifest, await runtime.predict(tensorsOf(manifest, input, i))))
      return answers
    }
    const [output] = await runtime.predict([{ dtype: 'float32', ...prepareBatch(manifest, inputs) }])
    const { data } = asNumbers(must(output, 'an output'), 'output 0')
    const width = data.length / inputs.length
    return inputs.map((_, i) => labelled(manifest, data.subarray(i * width, (i + 1) * width)))
  },
  async unload(digest) {
    loaded.get(digest)?.runtime.dispose()
    loaded.delete(digest)
  },
}

serveWorker(api, { protocol: SERVING_PROTOCOL, endpoint: must(parentPort, 'a parent thread') as unknown as Endpoint })
