import * as z from 'zod/mini'
import { AppError } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import type { TensorData } from '../tensor/tensor.ts'
import { decodeTensor, encodedTensorSchema, encodeTensor } from '../tensor/tensor-json.ts'
import type { BackendName } from './backends.ts'
import type { Runtime } from './runtime.ts'

/** Golden inputs with the outputs expected of them, as they stand in a manifest. `tolerance` is relative to max(1, |expected|). */
export const selfTestSchema = z.strictObject({
  inputs: z.array(encodedTensorSchema),
  outputs: z.array(encodedTensorSchema),
  tolerance: z.strictObject({ webgpu: z.number(), wasm: z.number(), cpu: z.number() }),
})

export type SelfTest = z.infer<typeof selfTestSchema>

/** The CPU and WASM backends differ from each other by rounding only; WebGPU drivers may contract and approximate. */
const TOLERANCE = { webgpu: 5e-3, wasm: 1e-4, cpu: 1e-4 } as const satisfies Record<BackendName, number>

/** Records what this runtime answers to `inputs`, one tensor per model input, with a few examples along the batch axis. */
export async function makeSelfTest(
  runtime: Runtime,
  inputs: readonly TensorData[],
  tolerance: SelfTest['tolerance'] = TOLERANCE,
): Promise<SelfTest> {
  const outputs = await runtime.predict(inputs)
  return { inputs: inputs.map(encodeTensor), outputs: outputs.map(encodeTensor), tolerance: { ...tolerance } }
}

/** Whether this runtime reproduces the golden outputs: the largest difference seen, or self_test_failed naming it and its place. */
export async function runSelfTest(runtime: Runtime, test: SelfTest): Promise<Result<{ largestDifference: number }>> {
  const tolerance = test.tolerance[runtime.backend]
  let largest = { difference: 0, where: 'nowhere', expected: 0, got: 0 }
  try {
    const got = await runtime.predict(test.inputs.map((input, i) => decodeTensor(input, `self-test input ${i}`)))
    const want = test.outputs.map((output, i) => decodeTensor(output, `self-test output ${i}`))
    if (got.length !== want.length)
      throw new AppError('self_test_failed', `the model has ${got.length} outputs, its self-test ${want.length}`)
    for (const [i, expected] of want.entries()) {
      const answer = got[i]
      if (answer === undefined || answer.data.length !== expected.data.length)
        throw new AppError('self_test_failed', `output ${i} has ${answer?.data.length} values, its self-test ${expected.data.length}`)
      for (let at = 0; at < expected.data.length; at++) {
        const [a, b] = [expected.data[at] as number, answer.data[at] as number]
        const difference = Math.abs(a - b) / Math.max(1, Math.abs(a))
        // a NaN on either side must not slip through a comparison that is false
        if (!(difference <= largest.difference))
          largest = {
            difference: Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference,
            where: `value ${at} of output ${i}`,
            expected: a,
            got: b,
          }
      }
    }
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'self_test_failed') return fail(thrown)
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    return fail(new AppError('self_test_failed', `the self-test could not run on ${runtime.backend}: ${why}`, { cause: thrown }))
  }
  if (largest.difference <= tolerance) return ok({ largestDifference: largest.difference })
  const what = `expected ${largest.expected}, got ${largest.got}: difference ${largest.difference}, allowed ${tolerance} on ${runtime.backend}`
  return fail(new AppError('self_test_failed', `${largest.where}: ${what}`, { issues: [{ where: largest.where, what }] }))
}
