/** The few special functions the nulls need, in double precision; sources are Numerical Recipes 3rd ed. (chapter 6) and DLMF. */

// Lanczos coefficients for g = 7, n = 9 (Godfrey): relative error below 1e-14 for x > 0.5
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/** ln of the gamma function, for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const z = x - 1
  let sum = LANCZOS[0] ?? 0
  for (let i = 1; i < LANCZOS.length; i++) sum += (LANCZOS[i] ?? 0) / (z + i)
  const t = z + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum)
}

/** ln of n over k. */
export const logChoose = (n: number, k: number): number => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)

/** ln(e^a + e^b), for logarithms that may be -Infinity. */
export function logAddExp(a: number, b: number): number {
  const high = Math.max(a, b)
  return high === -Infinity ? -Infinity : high + Math.log1p(Math.exp(Math.min(a, b) - high))
}

/** ln of the sum of e^x over the values. */
export function logSumExp(values: readonly number[]): number {
  const high = Math.max(...values)
  if (high === -Infinity) return -Infinity
  return high + Math.log(values.reduce((sum, x) => sum + Math.exp(x - high), 0))
}

/** ln of the mean of e^x over the values: how e-values kept as logarithms are averaged. */
export const logMeanExp = (values: readonly number[]): number => logSumExp(values) - Math.log(values.length)

/** The series of P(a, x) over x^a e^-x / Gamma(a): converges quickly below x = a + 1. */
function gammaSeries(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let i = 1; i < 10_000 && Math.abs(term) > Math.abs(sum) / 1e16; i++) {
    term *= x / (a + i)
    sum += term
  }
  return sum
}

/** Lentz's continued fraction of Q(a, x) over the same front: for x above a + 1. */
function gammaFraction(a: number, x: number): number {
  const tiny = 1e-300
  let b = x + 1 - a
  let c = 1 / tiny
  let d = 1 / b
  let h = d
  for (let i = 1; i < 10_000; i++) {
    const an = -i * (i - a)
    b += 2
    d = an * d + b
    if (Math.abs(d) < tiny) d = tiny
    c = b + an / c
    if (Math.abs(c) < tiny) c = tiny
    d = 1 / d
    const delta = d * c
    h *= delta
    if (Math.abs(delta - 1) < 1e-16) break
  }
  return h
}

const gammaFront = (a: number, x: number): number => Math.exp(a * Math.log(x) - x - logGamma(a))

/** Upper regularised incomplete gamma Q(a, x). */
export function gammaQ(a: number, x: number): number {
  if (x <= 0) return 1
  if (x === Infinity) return 0
  return x < a + 1 ? Math.max(0, 1 - gammaSeries(a, x) * gammaFront(a, x)) : gammaFraction(a, x) * gammaFront(a, x)
}

/** Lower regularised incomplete gamma P(a, x) = 1 - Q(a, x), exact where it is small. */
export function gammaP(a: number, x: number): number {
  if (x <= 0) return 0
  if (x === Infinity) return 1
  return x < a + 1 ? gammaSeries(a, x) * gammaFront(a, x) : 1 - gammaFraction(a, x) * gammaFront(a, x)
}

/** P(X >= x) for a chi-square variable. */
export const chiSquareTail = (x: number, degrees: number): number => (degrees <= 0 ? 1 : gammaQ(degrees / 2, x / 2))

/** The x with chiSquareTail(x, degrees) = tail, by bisection to 1e-9. */
export function chiSquareCritical(tail: number, degrees: number): number {
  let low = 0
  let high = degrees + 10
  while (chiSquareTail(high, degrees) > tail) high *= 2
  while (high - low > 1e-9 * (1 + high)) {
    const middle = (low + high) / 2
    if (chiSquareTail(middle, degrees) > tail) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** P(Z >= z) for a standard normal variable, exact in the far tail too. */
export const normalTail = (z: number): number => (z >= 0 ? 0.5 * gammaQ(0.5, (z * z) / 2) : 1 - normalTail(-z))

/** The z with normalTail(z) = tail, for 0 < tail < 1. */
export function normalCritical(tail: number): number {
  if (tail > 0.5) return -normalCritical(1 - tail)
  return Math.sqrt(chiSquareCritical(2 * tail, 1))
}

/** P(K >= x) of the Kolmogorov distribution: 2 sum (-1)^(k-1) exp(-2 k^2 x^2). */
export function kolmogorovTail(x: number): number {
  if (x < 0.2) return 1
  let sum = 0
  for (let k = 1; k <= 100; k++) {
    const term = Math.exp(-2 * k * k * x * x)
    sum += k % 2 === 1 ? term : -term
    if (term < 1e-18) break
  }
  return Math.min(1, Math.max(0, 2 * sum))
}
