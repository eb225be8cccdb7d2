import { runSelfTest, makeSelfTest } from '../../shared/compute/self-test.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { GivenTensor } from '../../shared/contract/imports.ts'
import type { ModelFile } from '../../shared/formats/tfjs-files.ts'
import { inputOf } from '../../shared/tensor/golden.ts'
import { openRuntime } from '../imports/open-runtime.ts'
import { readModel } from '../imports/read-model.ts'
import { trialInputs } from '../imports/trial-inputs.ts'
import type { Check } from './check.ts'

export type ModelBudget = {
  /** Of one answer, the 95th percentile, milliseconds. */
  readonly answerMs?: number
  /** Of the weights, bytes. */
  readonly modelBytes?: number
  /** Of the tensors while it answers, bytes. */
  readonly memoryBytes?: number
}

/** Answers that are timed, after the first, which compiles. */
const ANSWERS = 40

const isNumbers = (data: unknown): data is ArrayLike<number> => ArrayBuffer.isView(data) && !(data instanceof BigInt64Array)

/** Places of values that are no number: `finite` for none. */
function notFinite(name: string, data: unknown): string | undefined {
  if (!isNumbers(data)) return undefined
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return `${name}[${i}] is ${data[i]}`
  return undefined
}

/**
 * A model out of its files: that it reads and loads, has finite weights, answers with finite numbers, the same again when asked again (the self-test that devices will run), within
 * its budget. The first that fails is the last that is tried. `example` gives inputs as `shoal models import --example` does.
 */
export async function checkModel(
  files: readonly ModelFile[],
  { clock, budget = {}, example = {} }: { clock: Clock; budget?: ModelBudget; example?: Readonly<Record<string, GivenTensor>> },
): Promise<Check[]> {
  const checks: Check[] = []
  const pass = (check: string, what: string): void => void checks.push({ check, ok: true, what })
  const fail = (check: string, what: string): Check[] => [...checks, { check, ok: false, what }]
  let step = 'reads'
  try {
    const model = await readModel(files)
    pass('reads', model.description)
    step = 'weights'
    for (const [name, { data }] of Object.entries(model.tensors)) {
      const wrong = notFinite(name, data)
      if (wrong !== undefined) return fail('weights', wrong)
    }
    const bytes = Object.values(model.tensors).reduce((sum, { data }) => sum + data.byteLength, 0)
    pass('weights', `${Object.keys(model.tensors).length} tensors, all finite`)
    step = 'loads'
    const runtime = await openRuntime(model)
    try {
      pass('loads', `on ${runtime.backend}`)
      step = 'answers'
      const trial = trialInputs(runtime.inputs, example)
      const inputs = trial.map((input, i) => inputOf(input, `input ${i}`))
      const outputs = await runtime.predict(inputs)
      for (const [i, { data }] of outputs.entries()) {
        const wrong = notFinite(`output ${i}`, data)
        if (wrong !== undefined) return fail('answers', wrong)
      }
      pass('answers', `${outputs.length === 1 ? 'one output' : `${outputs.length} outputs`}, all finite`)
      step = 'self-test'
      const again = await runSelfTest(runtime, await makeSelfTest(runtime, trial))
      if (!again.ok) return fail('self-test', again.error.detail)
      pass('self-test', `the same answer again, to ${again.value.largestDifference}`)
      step = 'budget'
      const times: number[] = []
      for (let i = 0; i < ANSWERS; i++) {
        const start = clock.monotonic()
        await runtime.predict(inputs)
        times.push(clock.monotonic() - start)
      }
      const answerMs = times.sort((a, b) => a - b)[Math.floor(0.95 * (ANSWERS - 1))] ?? 0
      const measured = { answerMs, modelBytes: bytes, memoryBytes: runtime.memory().bytes }
      for (const name of ['answerMs', 'modelBytes', 'memoryBytes'] as const) {
        const [value, most] = [measured[name], budget[name]]
        const figure = Number(value.toPrecision(4))
        checks.push({
          check: name,
          ok: most === undefined || value <= most,
          what: most === undefined ? `${figure}, no budget` : `${figure}, the budget is ${most}`,
        })
      }
      return checks
    } finally {
      runtime.dispose()
    }
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    return fail(step, `${thrown.code}: ${thrown.detail}`)
  }
}
