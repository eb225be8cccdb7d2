import { getBackend, type io, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core'
import { loadGraphModelSync } from '@tensorflow/tfjs-converter'
import { type BackendOptions, startBackend } from '../../../shared/compute/backends.ts'
import type { RuntimeModel } from '../../../shared/compute/load-runtime.ts'
import { buildModel, setWeights } from '../../../shared/compute/model.ts'
import { must } from '../../../shared/core/assert.ts'
import { concatBytes } from '../../../shared/core/bytes.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { asNumbers, type ModelTensor } from '../../../shared/tensor/model-tensor.ts'
import { tensorBytes } from '../../../shared/tensor/tensor.ts'

/** All outputs of one prediction, read back. */
export type Bare = { readonly predict: () => Promise<ArrayLike<unknown>[]>; readonly dispose: () => void }

export type TfjsBackend = 'wasm' | 'webgpu' | 'webgl' | 'cpu'

async function start(backend: TfjsBackend, options: BackendOptions): Promise<void> {
  if (backend !== 'webgl') {
    unwrap(await startBackend(backend, options))
    return
  }
  await import('@tensorflow/tfjs-backend-webgl')
  if (!(await setBackend(backend))) throw new Error('this browser gives a worker no WebGL')
}

/** A model as somebody would run it who uses tfjs by itself: `model.predict(tensor(…))`, `data()`, `dispose()`. Throws where the backend does not start. */
export async function bareTfjs(
  model: RuntimeModel,
  inputs: readonly ModelTensor[],
  backend: TfjsBackend,
  options: BackendOptions,
): Promise<Bare> {
  await start(backend, options)
  const use = async (): Promise<void> => {
    if (getBackend() !== backend) await setBackend(backend)
  }
  await use()
  const built = model.format === 'tfjs-graph' ? graph(model) : await buildModel(model.topology)
  await use()
  if ('layers' in built) setWeights(built, model.tensors)
  const input = asNumbers(must(inputs[0], 'an input'), 'input')
  return {
    async predict() {
      await use()
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
