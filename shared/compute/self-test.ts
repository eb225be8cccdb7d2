import { AppError, type ErrorCode } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { differenceFrom, type GoldenInput, goldenOutput, inputOf, type SelfTest } from '../tensor/golden.ts'
import type { ModelTensor } from '../tensor/model-tensor.ts'
import { encodeTensor } from '../tensor/tensor-json.ts'
import type { BackendName } from './backends.ts'
import type { Runtime } from './runtime.ts'

/** The CPU and WASM backends differ from each other by rounding only; WebGPU drivers may contract and approximate. */
const TOLERANCE = { webgpu: 5e-3, wasm: 1e-4, cpu: 1e-4 } as const satisfies Record<BackendName, number>

/** Values of an output that stand in the document: enough to notice any wrong weight, few enough for a document that every device loads. */
const MAX_VALUES = 4096

/** Failures that stay what they are: a model that its runtime cannot compute here was not shown to be wrong. */
const OWN_CODES: ReadonlySet<ErrorCode> = new Set(['self_test_failed', 'unsupported_op', 'out_of_memory', 'device_lost'])

/** Records what this runtime answers to `inputs`, one per model input: tensors, with a few examples along the batch axis, or seeds of them. */
export async function makeSelfTest(
  runtime: Runtime,
  inputs: readonly (ModelTensor | GoldenInput)[],
  tolerance: SelfTest['tolerance'] = TOLERANCE,
): Promise<SelfTest> {
  const golden = inputs.map(
    (input): GoldenInput =>
      'seed' in input || typeof input.data === 'string' ? (input as GoldenInput) : encodeTensor(input as ModelTensor),
  )
  const outputs = await runtime.predict(golden.map((input, i) => inputOf(input, `self-test input ${i}`)))
  return { inputs: golden, outputs: outputs.map((output) => goldenOutput(output, MAX_VALUES)), tolerance: { ...tolerance } }
}

/** Whether this runtime reproduces the golden outputs: the largest difference seen, or self_test_failed naming it and its place. */
export async function runSelfTest(runtime: Runtime, test: SelfTest): Promise<Result<{ largestDifference: number }>> {
  const tolerance = test.tolerance[runtime.backend]
  let largest = { difference: 0, where: 'nowhere', expected: '', got: '' }
  try {
    const got = await runtime.predict(test.inputs.map((input, i) => inputOf(input, `self-test input ${i}`)))
    if (got.length !== test.outputs.length)
      throw new AppError('self_test_failed', `the model has ${got.length} outputs, its self-test ${test.outputs.length}`)
    for (const [i, expected] of test.outputs.entries()) {
      const answer = got[i] as ModelTensor
      const { difference, at, ...values } = differenceFrom(expected, answer, `output ${i}`)
      if (difference > largest.difference) largest = { difference, where: `value ${at} of output ${i}`, ...values }
    }
  } catch (thrown) {
    if (thrown instanceof AppError && OWN_CODES.has(thrown.code)) return fail(thrown)
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    return fail(new AppError('self_test_failed', `the self-test could not run on ${runtime.backend}: ${why}`, { cause: thrown }))
  }
  if (largest.difference <= tolerance) return ok({ largestDifference: largest.difference })
  const what = `expected ${largest.expected}, got ${largest.got}: difference ${largest.difference}, allowed ${tolerance} on ${runtime.backend}`
  return fail(new AppError('self_test_failed', `${largest.where}: ${what}`, { issues: [{ where: largest.where, what }] }))
}
