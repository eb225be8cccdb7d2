import type { PredictInput } from '../../shared/contract/serving.ts'
import { must } from '../../shared/core/assert.ts'
import { fromBase64 } from '../../shared/core/bytes.ts'
import { AppError } from '../../shared/core/errors.ts'
import { asNumbers, DATATYPE_OF, dtypeOf, type ModelTensor, modelTensorFromBytes } from '../../shared/tensor/model-tensor.ts'
import type { RunnableManifest } from '../../shared/worker/inference-api.ts'
import { prepareTensors, type TensorInput } from '../../shared/worker/prepare-tensors.ts'
import { about, isTensors, labelled } from './serving.ts'
import type { ServedAnswer } from './serving-api.ts'

const WIDTH = { FP32: 4, INT32: 4, UINT8: 1, BOOL: 1, INT64: 8 } as const

/** Values that came as base64 of their bytes. */
function fromBytes(name: string, datatype: RunnableManifest['signature']['inputs'][number]['datatype'], text: string): ModelTensor['data'] {
  if (datatype === 'BYTES') throw new AppError('invalid_input', `input ${name} takes texts: pass them as a list`)
  let bytes: Uint8Array
  try {
    bytes = fromBase64(text)
  } catch (cause) {
    throw new AppError('invalid_input', `the data of ${name} is not base64`, { cause })
  }
  if (bytes.length % WIDTH[datatype] !== 0)
    throw new AppError('invalid_input', `the data of ${name} is ${bytes.length} bytes, a value of ${datatype} has ${WIDTH[datatype]}`)
  return modelTensorFromBytes(dtypeOf(datatype), [bytes.length / WIDTH[datatype]], bytes, name).data
}

/** The tensors of one question, in the order of the signature. Throws shape_mismatch, invalid_input naming the input and its place in the request. */
export function tensorsOf(manifest: RunnableManifest, input: PredictInput, i: number): ModelTensor[] {
  return about(i, () => {
    if (!isTensors(input)) return prepareTensors(manifest, input)
    const named = Object.entries(input.tensors).map(([name, { shape, data }]): [string, TensorInput] => {
      const datatype = manifest.signature.inputs.find((spec) => spec.name === name)?.datatype
      const values = typeof data === 'string' && datatype !== undefined ? fromBytes(name, datatype, data) : data
      return [name, { data: values as number[], ...(shape === undefined ? {} : { shape }) }]
    })
    return prepareTensors(manifest, Object.fromEntries(named))
  })
}

const plain = ({ dtype, data }: ModelTensor): (number | string | boolean)[] => {
  if (dtype === 'int64')
    return Array.from(data as BigInt64Array, (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()))
  if (dtype === 'bool') return Array.from(data as Uint8Array, (value) => value !== 0)
  return Array.from(data as ArrayLike<number | string>)
}

/** What a model answered to one question: with its labels where it has any, else as it is. */
export function readTensors(manifest: RunnableManifest, outputs: readonly ModelTensor[]): ServedAnswer {
  if (manifest.labels.length > 0) return labelled(manifest, asNumbers(must(outputs[0], 'an output'), 'output 0').data)
  const named = outputs.map((output, i) => ({
    name: manifest.signature.outputs[i]?.name ?? `output ${i}`,
    datatype: DATATYPE_OF[output.dtype],
    shape: [...output.shape],
    data: plain(output),
  }))
  return { label: '', confidence: 0, probabilities: [], outputs: named }
}
