import type { PredictInput } from '../../shared/contract/serving.ts'
import { must } from '../../shared/core/assert.ts'
import { fromBase64 } from '../../shared/core/bytes.ts'
import { AppError } from '../../shared/core/errors.ts'
import { shapeMismatch } from '../../shared/tensor/tensor.ts'
import type { ModelInput, RunnableManifest } from '../../shared/worker/inference-api.ts'
import { imageShapeOf, type PreparedInput, prepareInput } from '../../shared/worker/prepare-input.ts'

const isImage = (input: PredictInput): input is Extract<PredictInput, { shape: unknown }> => Array.isArray(input['shape'])

function bytesOf(data: string): Uint8Array {
  try {
    return fromBase64(data)
  } catch (cause) {
    throw new AppError('invalid_input', 'data is not base64', { cause })
  }
}

/** What a device's app would have passed. Throws shape_mismatch, invalid_input. */
function modelInputOf(manifest: RunnableManifest, input: PredictInput): ModelInput {
  if (!isImage(input)) return input as Exclude<PredictInput, { shape: readonly number[] }>
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
  const prepared = inputs.map((input, i): PreparedInput['tensor'] => {
    try {
      return prepareInput(manifest, modelInputOf(manifest, input)).tensor
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown
      const where = `body.inputs[${i}]`
      throw new AppError(thrown.code, `${where}: ${thrown.detail}`, { issues: [{ where, what: thrown.detail }], cause: thrown })
    }
  })
  const [first] = prepared
  const { shape, data } = must(first, 'an input')
  const all = new Float32Array(prepared.length * data.length)
  for (const [i, tensor] of prepared.entries()) all.set(tensor.data, i * data.length)
  return { data: all, shape: [prepared.length, ...shape.slice(1)] }
}
