import type { BackendName } from './backends.ts'
import type { Engine } from './runtime.ts'

/** Ways to run a model, in the order in which they are tried: tfjs (or onnxruntime) on a backend, or our compiled plan, which runs on WASM. */
export const CANDIDATES = ['webgpu', 'wasm', 'plan', 'cpu'] as const
export type CandidateName = (typeof CANDIDATES)[number]

/** Milliseconds: of the first prediction after loading, and the median of those after it. */
export type BackendTiming = { readonly first: number; readonly median: number }

type ByCandidate<T> = Readonly<Partial<Record<CandidateName, T>>>

export type BackendChoice = {
  readonly candidate: CandidateName
  readonly backend: BackendName
  readonly engine: Engine
  /** The times that decided. */
  readonly timings: ByCandidate<BackendTiming>
  /** Why each other candidate is out of the question here. */
  readonly skipped: ByCandidate<string>
  /** When the times were taken, epoch milliseconds. */
  readonly measured: number
  /** Taken from an earlier measurement of this model under the same runtime, browser and GPU. */
  readonly remembered: boolean
  /** One sentence for people. */
  readonly why: string
}

const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`

export function whyOf({ candidate, timings, skipped }: Pick<BackendChoice, 'candidate' | 'timings' | 'skipped'>): string {
  const others = CANDIDATES.flatMap((name) => {
    const timing = name === candidate ? undefined : timings[name]
    return timing === undefined ? [] : [`${name} ${ms(timing.median)}`]
  })
  const reasons = Object.entries(skipped).map(([name, why]) => `${name}: ${why}`)
  const own = timings[candidate]
  const first =
    own === undefined ? `${candidate} was taken unmeasured` : [`${candidate} answers in ${ms(own.median)}`, ...others].join(', ')
  return reasons.length === 0 ? first : `${first}; not used: ${reasons.join('; ')}`
}
