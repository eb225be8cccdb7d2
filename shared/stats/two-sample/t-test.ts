import { studentTwoSided } from '../incomplete-beta.ts'
import type { TwoSampleResult } from './two-sample-test.ts'

function moments(values: ArrayLike<number>): { mean: number; squares: number } {
  let mean = 0
  let squares = 0
  for (let i = 0; i < values.length; i++) {
    const delta = (values[i] as number) - mean
    mean += delta / (i + 1)
    squares += delta * ((values[i] as number) - mean)
  }
  return { mean, squares }
}

/** Student's t (1908) of two means with one variance, n + m - 2 degrees of freedom, two-sided. The statistic is positive where the reference's mean is higher. */
export function tTest(reference: ArrayLike<number>, current: ArrayLike<number>): TwoSampleResult {
  const [a, b] = [moments(reference), moments(current)]
  const degrees = reference.length + current.length - 2
  const difference = a.mean - b.mean
  if (degrees < 1 || difference === 0) return { statistic: 0, p: 1 }
  const statistic = difference / Math.sqrt(((a.squares + b.squares) / degrees) * (1 / reference.length + 1 / current.length))
  return { statistic, p: studentTwoSided(statistic, degrees) }
}
