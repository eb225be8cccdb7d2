import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import type { ModelTensor } from '../tensor/model-tensor.ts'
import { expectTensor, shapeMismatch } from '../tensor/tensor.ts'
import { type BackendLife, lasting } from './backend-life.ts'
import { type BackendName, memoryInUse } from './backends.ts'
import { allFinite } from './finite.ts'

export type TensorSpec = { readonly name: string; readonly dtype: string; readonly shape: readonly (number | null)[] }

/** What computes: tfjs op by op, our compiled plan, onnxruntime, or a walk through trees. */
export type Engine = 'tfjs' | 'plan' | 'onnxruntime' | 'trees'

/**
 * A model ready to answer, whatever computes it. What holds for each:
 * - `predict` takes one tensor per model input, in the order of `inputs`, with the batch as first axis where the model has one, and answers one tensor per output.
 *   It keeps nothing of its arguments and changes none; the answers belong to the caller. Calls may overlap; each gets the answer to its own inputs.
 * - It throws shape_mismatch and invalid_input (naming tensor, expected and got), output_not_finite, unsupported_op, out_of_memory, device_lost; whichever it
 *   was, the runtime answers the next call, except after device_lost: then the model is to be loaded again.
 * - `dispose` frees everything that was allocated for this runtime, may be called twice, and a call of `predict` after it is a conflict.
 */
export type Runtime = {
  readonly engine: Engine
  readonly backend: BackendName
  /** That of the backend that this runtime lives on: when it ends, so has the runtime. */
  readonly life: BackendLife
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  predict(inputs: readonly ModelTensor[]): Promise<ModelTensor[]>
  /** Of the whole process: what all runtimes and training hold. */
  memory(): { tensors: number; bytes: number }
  dispose(): void
}

/** What an engine brings; `checkedRuntime` makes a Runtime of it. */
export type RuntimeParts = Pick<Runtime, 'engine' | 'backend' | 'inputs' | 'outputs'> & {
  /** Computes the answers to inputs that were checked. */
  run(inputs: readonly ModelTensor[]): Promise<ModelTensor[]>
  /** Left out where the backend cannot be lost. */
  life?: BackendLife
  memory?: Runtime['memory']
  dispose(): void
}

const isFinite = (tensor: ModelTensor): boolean => tensor.dtype !== 'float32' || allFinite(tensor.data as Float32Array)

const notFinite = (code: 'invalid_input' | 'output_not_finite', what: string, name: string): AppError =>
  new AppError(code, `${what} ${name} holds NaN or an infinity`, { issues: [{ where: name, what: 'not finite' }] })

/** A runtime that checks what goes in and comes out, the same for every engine. */
export function checkedRuntime(parts: RuntimeParts): Runtime {
  const { engine, backend, inputs, outputs } = parts
  let disposed = false
  return {
    engine,
    backend,
    life: parts.life ?? lasting,
    inputs,
    outputs,
    async predict(values) {
      if (disposed) throw new AppError('conflict', 'this runtime has been disposed: load the model again')
      if (values.length !== inputs.length) throw shapeMismatch('inputs', `${inputs.length} tensors`, `${values.length}`)
      for (const [i, spec] of inputs.entries()) {
        const value = must(values[i], 'an input')
        expectTensor(spec.name, value, spec)
        // ReLU turns NaN into 0 on some backends: a nonsense input would get a confident answer
        if (!isFinite(value)) throw notFinite('invalid_input', 'input', spec.name)
      }
      const answers = await parts.run(values)
      for (const [i, answer] of answers.entries())
        if (!isFinite(answer)) throw notFinite('output_not_finite', 'output', outputs[i]?.name ?? `${i}`)
      return answers
    },
    memory: parts.memory ?? memoryInUse,
    dispose() {
      if (disposed) return
      disposed = true
      parts.dispose()
    },
  }
}
