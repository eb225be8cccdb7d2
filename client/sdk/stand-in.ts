import type { BackendChoice, CandidateName } from '../../shared/compute/backend-choice.ts'

/** What answers where no GPU does. */
export const WITHOUT_GPU = ['wasm', 'plan', 'cpu'] as const satisfies readonly CandidateName[]

/** The fastest of what was measured beside the GPU, to be taken without measuring while it is lost; undefined where nothing was. */
export function standIn(choice: BackendChoice, why: string): BackendChoice | undefined {
  const [best] = WITHOUT_GPU.flatMap((candidate) => {
    const timing = choice.timings[candidate]
    return timing === undefined ? [] : [{ candidate, ...timing }]
  }).sort((a, b) => a.median - b.median)
  if (best === undefined) return undefined
  const { candidate } = best
  const engine = candidate === 'plan' ? 'plan' : choice.engine
  return { ...choice, candidate, backend: candidate === 'cpu' ? 'cpu' : 'wasm', engine, why: `${candidate} answers, since ${why}` }
}
