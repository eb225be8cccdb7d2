/** How the step size moves over a training run. `warmup` is the share of all steps, 0 to 1. */
export type LearningRate =
  | { readonly kind: 'constant'; readonly rate: number }
  /** Falls along half a cosine from `rate` to `rate * floor` (0 unless given). */
  | { readonly kind: 'cosine'; readonly rate: number; readonly floor?: number; readonly warmup?: number }
  /** Rises linearly to `peak` over `warmup` (0.3 unless given), then falls linearly to zero (Smith 2018, super-convergence). */
  | { readonly kind: 'one-cycle'; readonly peak: number; readonly warmup?: number }

/** The step size of step `step` (from 0) out of `steps`. */
export function learningRateAt(schedule: LearningRate, step: number, steps: number): number {
  if (schedule.kind === 'constant') return schedule.rate
  const warmup = Math.max(1, Math.round((schedule.warmup ?? (schedule.kind === 'one-cycle' ? 0.3 : 0)) * steps))
  const peak = schedule.kind === 'one-cycle' ? schedule.peak : schedule.rate
  if (step < warmup) return (peak * (step + 1)) / warmup
  const left = (steps - step) / Math.max(1, steps - warmup)
  if (schedule.kind === 'one-cycle') return peak * left
  const floor = schedule.floor ?? 0
  return peak * (floor + ((1 - floor) * (1 - Math.cos(Math.PI * left))) / 2)
}
