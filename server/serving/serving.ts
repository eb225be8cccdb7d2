import type { PredictInput } from '../../shared/contract/serving.ts'
import { must } from '../../shared/core/assert.ts'
import { fromBase64 } from '../../shared/core/bytes.ts'
import { AppError } from '../../shared/core/errors.ts'
import { shapeMismatch } from '../../shared/tensor/tensor.ts'
import type { ModelInput, RunnableManifest } from '../../shared/worker/inference-api.ts'
import { type PreparedInput, prepareInput } from '../../shared/worker/prepare-input.ts'

/** The image size that a version takes, `[height, width, channels]`; undefined where it takes none. */
function imageShapeOf({ monitors, transforms, signature }: RunnableManifest): readonly number[] | undefined {
  if (monitors !== 'image') return undefined
  for (const transform of transforms) if (transform.kind === 'image-scale') return [transform.height, transform.width, transform.channels]
  const [, height, width, channels = 1] = must(signature.inputs[0], 'an input').shape
  return height === undefined || width === undefined ? undefined : [height, width, channels]
}

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
  const expected = imageShapeOf(manifest)
  if (expected === undefined) throw new AppError('invalid_input', 'this model takes an object with one value for each column, not an image')
  const [height, width, channels = 1] = input.shape
  if (height !== expected[0] || width !== expected[1] || channels !== expected[2])
    throw shapeMismatch('image', expected.join('x'), [height, width, channels].join('x'))
  return bytesOf(input.data)
}

/** The inputs as one batch of the network, `size` values for each. A failure names the input at fault, its place in the request. */
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
