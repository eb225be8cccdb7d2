import { type io, type Tensor, tensor } from '@tensorflow/tfjs-core'
import { loadGraphModelSync } from '@tensorflow/tfjs-converter'
import { type BackendName, useBackend } from '../../../shared/compute/backends.ts'
import type { RuntimeModel } from '../../../shared/compute/load-runtime.ts'
import { buildModel, setWeights } from '../../../shared/compute/model.ts'
import { must } from '../../../shared/core/assert.ts'
import { concatBytes } from '../../../shared/core/bytes.ts'
import { type TensorData, tensorBytes } from '../../../shared/tensor/tensor.ts'

export type Bare = { readonly predict: () => Promise<unknown>; readonly dispose: () => void }

/** A model as somebody would run it who uses tfjs by itself: `model.predict(tensor(…))`, `data()`, `dispose()`. The backend has been started. */
export async function bare(model: RuntimeModel, input: TensorData, backend: BackendName): Promise<Bare> {
  useBackend(backend)
  const built = model.format === 'tfjs-graph' ? graph(model) : await buildModel(model.topology)
  useBackend(backend)
  if ('layers' in built) setWeights(built, model.tensors)
  return {
    async predict() {
      useBackend(backend)
      const x = tensor(input.data, [...input.shape])
      const answer = built.predict(x) as Tensor | Tensor[]
      const outputs = Array.isArray(answer) ? answer : [answer]
      const values = await Promise.all(outputs.map((output) => output.data()))
      for (const one of [x, ...outputs]) one.dispose()
      return values
    },
    dispose: () => void built.dispose(),
  }
}

function graph({ topology, tensors }: RuntimeModel) {
  const { weights, ...artifacts } = topology as unknown as { weights: io.WeightsManifestEntry[] }
  const weightData = concatBytes(weights.map(({ name }) => tensorBytes(must(tensors[name], name)))).buffer
  return loadGraphModelSync({ ...structuredClone(artifacts), weightSpecs: weights, weightData } as io.ModelArtifacts)
}
