import { unwrap } from '../core/result.ts'
import { asNumbers, type ModelTensor } from '../tensor/model-tensor.ts'
import type { NamedTensors } from '../tensor/tensor.ts'
import { asyncRunsEnded } from './async-runs.ts'
import { type BackendName, type BackendOptions, lifeOf, startBackend, useBackend } from './backends.ts'
import { emptyInput } from './empty-input.ts'
import { memoryCheck } from './layer-memory.ts'
import { buildModel, fromTensor, setWeights, toTensor, type Topology } from './model.ts'
import { asOpError } from './op-error.ts'
import { checkedRuntime, type Runtime, type TensorSpec } from './runtime.ts'
import { type LayersModel, type Tensor, tidy } from './tf.ts'
import { compileAhead, pipelinesCompiled } from './webgpu-backend.ts'

const specs = (list: LayersModel['inputs']): TensorSpec[] => list.map(({ name, dtype, shape }) => ({ name, dtype, shape }))

/** Builds a layers model on a backend of tfjs with these weights. Throws no_backend, invalid_document, shape_mismatch, device_lost. */
export async function loadLayersRuntime(
  model: { topology: Topology; tensors: NamedTensors },
  backend: BackendName,
  options: BackendOptions = {},
): Promise<Runtime> {
  unwrap(await startBackend(backend, options))
  const built = await buildModel(model.topology, { weights: 'follow' })
  useBackend(backend)
  const life = lifeOf(backend)
  /** One pass without what `model.predict` adds: cutting the batch and joining its parts again. */
  const pass = (inputs: readonly ModelTensor[]): Tensor[] =>
    tidy(() => {
      const tensors = inputs.map((input) => toTensor(asNumbers(input, 'input')))
      const [only] = tensors
      const answer = built.apply(tensors.length === 1 && only !== undefined ? only : tensors, { training: false }) as Tensor | Tensor[]
      return Array.isArray(answer) ? answer : [answer]
    })
  try {
    setWeights(built, model.tensors)
    if (backend === 'webgpu') await life.within(() => compileAhead(() => pass(specs(built.inputs).map(emptyInput))))
  } catch (thrown) {
    built.dispose()
    throw asOpError(thrown)
  }
  const checkMemory = memoryCheck(built)
  async function compute(inputs: readonly ModelTensor[]): Promise<ModelTensor[]> {
    await asyncRunsEnded()
    if (backend === 'webgpu') await pipelinesCompiled()
    useBackend(backend)
    let held: Tensor[] = []
    try {
      held = pass(inputs)
      return await Promise.all(held.map((tensor) => fromTensor(tensor, backend === 'wasm')))
    } catch (thrown) {
      throw asOpError(thrown)
    } finally {
      for (const tensor of held) tensor.dispose()
    }
  }
  return checkedRuntime({
    engine: 'tfjs',
    backend,
    life,
    inputs: specs(built.inputs),
    outputs: specs(built.outputs),
    async run(inputs) {
      checkMemory(inputs[0]?.shape[0] ?? 1)
      return life.within(() => compute(inputs))
    },
    dispose: () => void built.dispose(),
  })
}
