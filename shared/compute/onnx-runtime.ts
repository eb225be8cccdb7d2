import type { InferenceSession, Tensor } from 'onnxruntime-web'
import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { joinOnnxFile } from '../formats/onnx-cuts.ts'
import { readOnnxFile } from '../formats/onnx-file.ts'
import type { ModelTensor } from '../tensor/model-tensor.ts'
import type { BackendName, BackendOptions } from './backends.ts'
import type { RuntimeModel } from './load-runtime.ts'
import { asOnnxError } from './onnx-error.ts'
import { onnxModule, type OrtModule } from './onnx-module.ts'
import { MODEL_TYPE_OF, toModelTensor, valuesFor } from './onnx-tensors.ts'
import { checkedRuntime, type Runtime, type TensorSpec } from './runtime.ts'

/** What a size that is not fixed reads as in the metadata. */
const ANY_SIZE = 0xffffffff

type Port = TensorSpec & { readonly type: string }

function portsOf(metadata: readonly InferenceSession.ValueMetadata[], what: string): Port[] {
  return metadata.map((value) => {
    const type = value.isTensor ? value.type : 'no tensor'
    const dtype = MODEL_TYPE_OF[type]
    if (!value.isTensor || dtype === undefined)
      throw new AppError('unsupported_op', `${what} ${value.name} is ${type}, which is none of ${Object.keys(MODEL_TYPE_OF).join(', ')}`)
    const shape = value.shape.map((size) => (typeof size === 'number' && size >= 0 && size < ANY_SIZE ? size : null))
    return { name: value.name, dtype, shape, type }
  })
}

/** Bytes of the files that are loaded now. */
let loadedBytes = 0
let loaded = 0

/** onnxruntime computes one thing at a time in a module. */
let turn: Promise<unknown> = Promise.resolve()
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = turn.then(work)
  turn = result.catch(() => undefined)
  return result
}

/**
 * An ONNX model on onnxruntime. Nothing in a file is run as code: it is a graph of onnxruntime's own operators. Throws no_backend, invalid_document,
 * shape_mismatch (naming a weight that is missing or holds NaN), unsupported_op.
 */
export async function loadOnnxRuntime(model: RuntimeModel, backend: BackendName, options: BackendOptions): Promise<Runtime> {
  const ort: OrtModule = await onnxModule(backend, options)
  const file = joinOnnxFile(model.topology, model.tensors)
  // onnxruntime takes any values, and answers with what comes of them
  readOnnxFile(file)
  const session = await inTurn(() =>
    ort.InferenceSession.create(file, { executionProviders: [backend], logSeverityLevel: 4 }).catch((thrown: unknown) => {
      throw asOnnxError(thrown, 'invalid_document')
    }),
  )
  const release = () => void inTurn(() => session.release()).catch(() => undefined)
  let inputs: Port[]
  let outputs: Port[]
  try {
    inputs = portsOf(session.inputMetadata, 'input')
    outputs = portsOf(session.outputMetadata, 'output')
  } catch (thrown) {
    release()
    throw thrown
  }
  loaded++
  loadedBytes += file.length

  async function compute(values: readonly ModelTensor[]): Promise<ModelTensor[]> {
    const feeds: Record<string, Tensor> = {}
    let answers: InferenceSession.ReturnType | undefined
    try {
      for (const [i, { name, type }] of inputs.entries()) {
        const value = must(values[i], 'an input')
        feeds[name] = new ort.Tensor(type as 'float32', valuesFor(type, value) as Float32Array, [...value.shape])
      }
      answers = await session.run(feeds, { logSeverityLevel: 4 })
      const found: ModelTensor[] = []
      for (const { name } of outputs) found.push(await toModelTensor(must(answers[name], `output ${name}`)))
      return found
    } catch (thrown) {
      throw asOnnxError(thrown, 'invalid_input')
    } finally {
      for (const tensor of Object.values(answers ?? {})) tensor.dispose()
    }
  }

  const spec = ({ name, dtype, shape }: Port): TensorSpec => ({ name, dtype, shape })
  return checkedRuntime({
    engine: 'onnxruntime',
    backend,
    inputs: inputs.map(spec),
    outputs: outputs.map(spec),
    run: (values) => inTurn(() => compute(values)),
    memory: () => ({ tensors: loaded, bytes: loadedBytes }),
    dispose() {
      loaded--
      loadedBytes -= file.length
      release()
    },
  })
}
