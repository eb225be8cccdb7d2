import type { Prediction, PredictInput } from '../../shared/contract/serving.ts'
import { must } from '../../shared/core/assert.ts'
import { fromBase64 } from '../../shared/core/bytes.ts'
import { AppError } from '../../shared/core/errors.ts'
import { shapeMismatch } from '../../shared/tensor/tensor.ts'
import type { ModelInput, RunnableManifest } from '../../shared/worker/inference-api.ts'
import { readOutput } from '../../shared/worker/read-output.ts'
import { imageShapeOf, type PreparedInput, prepareInput } from '../../shared/worker/prepare-input.ts'

const isImage = (input: PredictInput): input is Extract<PredictInput, { shape: readonly number[] }> =>
  'shape' in input && Array.isArray(input.shape)
export const isTensors = (input: PredictInput): input is Extract<PredictInput, { tensors: object }> =>
  typeof input['tensors' as keyof PredictInput] === 'object' && input['tensors' as keyof PredictInput] !== null

function bytesOf(data: string): Uint8Array {
  try {
    return fromBase64(data)
  } catch (cause) {
    throw new AppError('invalid_input', 'data is not base64', { cause })
  }
}

/** A row of the first output, read with the model's labels. Throws shape_mismatch, output_not_finite. */
export function labelled({ labels }: RunnableManifest, row: ArrayLike<number>): Pick<Prediction, 'label' | 'confidence' | 'probabilities'> {
  const { probabilities, predicted, confidence } = readOutput(row, labels)
  return { label: must(labels[predicted], 'a label'), confidence, probabilities }
}

/** A failure about one input names its place in the request. */
export function about<T>(i: number, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    const where = `body.inputs[${i}]`
    throw new AppError(thrown.code, `${where}: ${thrown.detail}`, { issues: [{ where, what: thrown.detail }], cause: thrown })
  }
}

/** What a device's app would have passed. Throws shape_mismatch, invalid_input. */
function modelInputOf(manifest: RunnableManifest, input: PredictInput): ModelInput {
  if (isTensors(input)) throw new AppError('invalid_input', 'this model takes an image or one value for each column, not tensors')
  if (!isImage(input)) return input
  if (manifest.monitors !== 'image')
    throw new AppError('invalid_input', 'this model takes an object with one value for each column, not an image')
  const expected = imageShapeOf(manifest)
  const [height, width, channels = 1] = input.shape
  if (height !== expected.height || width !== expected.width || channels !== expected.channels)
    throw shapeMismatch('image', `${expected.height}x${expected.width}x${expected.channels}`, [height, width, channels].join('x'))
  return bytesOf(input.data)
}

/** The inputs as one batch of the network, one row after another. A failure names the input at fault, its place in the request. */
export function prepareBatch(
  manifest: RunnableManifest,
  inputs: readonly PredictInput[],
): { data: Float32Array<ArrayBuffer>; shape: number[] } {
  const prepared = inputs.map((input, i): PreparedInput['tensor'] =>
    about(i, () => prepareInput(manifest, modelInputOf(manifest, input)).tensor),
  )
  const [first] = prepared
  const { shape, data } = must(first, 'an input')
  const all = new Float32Array(prepared.length * data.length)
  for (const [i, tensor] of prepared.entries()) all.set(tensor.data, i * data.length)
  return { data: all, shape: [prepared.length, ...shape.slice(1)] }
}
