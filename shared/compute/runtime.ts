import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { unwrap } from '../core/result.ts'
import { expectTensor, type NamedTensors, shapeMismatch, type TensorData } from '../tensor/tensor.ts'
import { type BackendName, type BackendOptions, memoryInUse, startBackend, useBackend } from './backends.ts'
import { buildModel, fromTensor, setWeights, toTensor, type Topology } from './model.ts'
import { type LayersModel, type Tensor, tidy } from './tf.ts'

export type TensorSpec = { readonly name: string; readonly dtype: string; readonly shape: readonly (number | null)[] }

/** A model ready to answer. */
export type Runtime = {
  readonly backend: BackendName
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  /** One tensor per model input, with the batch as first axis. Throws shape_mismatch, invalid_input, output_not_finite, unsupported_op. */
  predict(inputs: readonly TensorData[]): Promise<TensorData[]>
  /** Of the whole process: what all runtimes and training hold. */
  memory(): { tensors: number; bytes: number }
  dispose(): void
}

const isFinite = (tensor: TensorData): boolean => tensor.dtype !== 'float32' || tensor.data.every(Number.isFinite)

const specs = (list: LayersModel['inputs']): TensorSpec[] => list.map(({ name, dtype, shape }) => ({ name, dtype, shape }))

function asOpError(thrown: unknown): unknown {
  if (thrown instanceof Error && /Kernel '.*' not registered/.test(thrown.message))
    return new AppError('unsupported_op', thrown.message, { cause: thrown })
  return thrown
}

/** Builds the model on a backend with these weights. Throws no_backend, invalid_document, shape_mismatch. */
export async function loadRuntime(
  model: { topology: Topology; tensors: NamedTensors },
  backend: BackendName,
  options: BackendOptions = {},
): Promise<Runtime> {
  unwrap(await startBackend(backend, options))
  const built = await buildModel(model.topology)
  useBackend(backend)
  try {
    setWeights(built, model.tensors)
  } catch (thrown) {
    built.dispose()
    throw thrown
  }
  const inputs = specs(built.inputs)
  const outputs = specs(built.outputs)
  let disposed = false
  return {
    backend,
    inputs,
    outputs,
    async predict(values) {
      if (disposed) throw new AppError('conflict', 'this runtime has been disposed: load the model again')
      if (values.length !== inputs.length) throw shapeMismatch('inputs', `${inputs.length} tensors`, `${values.length}`)
      for (const [i, spec] of inputs.entries()) {
        const value = must(values[i], 'an input')
        expectTensor(spec.name, value, spec)
        // ReLU turns NaN into 0 on some backends: a nonsense input would get a confident answer
        if (!isFinite(value))
          throw new AppError('invalid_input', `input ${spec.name} holds NaN or an infinity`, {
            issues: [{ where: spec.name, what: 'not finite' }],
          })
      }
      useBackend(backend)
      let held: Tensor[] = []
      try {
        held = tidy(() => {
          const answer = built.predictOnBatch(values.map(toTensor))
          return Array.isArray(answer) ? answer : [answer]
        })
        const answers = await Promise.all(held.map(fromTensor))
        for (const [i, answer] of answers.entries()) {
          if (isFinite(answer)) continue
          const name = outputs[i]?.name ?? `output ${i}`
          throw new AppError('output_not_finite', `output ${name} holds NaN or an infinity`, {
            issues: [{ where: name, what: 'not finite' }],
          })
        }
        return answers
      } catch (thrown) {
        throw asOpError(thrown)
      } finally {
        for (const tensor of held) tensor.dispose()
      }
    },
    memory: memoryInUse,
    dispose() {
      if (disposed) return
      disposed = true
      built.dispose()
    },
  }
}
