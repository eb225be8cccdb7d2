/**
 * Functions whose results are the same to the bit on every engine. ECMAScript leaves the last digits of Math.log and Math.sin to the engine; additions, products and quotients
 * of doubles it does not (IEEE 754, one rounding each, never fused).
 */
const bits = new DataView(new ArrayBuffer(8))

// ln 2 in two parts: the first has few enough digits that its product with an exponent is exact
const LN2_HIGH = 0.69314718036912381649
const LN2_LOW = 1.90821492927058770002e-10
const SQRT_HALF = 0.7071067811865476
/** 2^54: lifts subnormal numbers to normal ones. */
const TWO_54 = 18_014_398_509_481_984

/**
 * Natural logarithm of a positive finite number, to 2 units in the last place. x = m 2^k with m near 1, and ln m = 2 artanh((m - 1) / (m + 1)), by its Taylor series: |s| is at most
 * 0.172, so the term in s^23 is below 2^-60 of the first.
 */
export function exactLog(x: number): number {
  const subnormal = x < 2.2250738585072014e-308
  bits.setFloat64(0, subnormal ? x * TWO_54 : x)
  const high = bits.getUint32(0)
  let exponent = ((high >>> 20) & 0x7ff) - 1022 - (subnormal ? 54 : 0)
  bits.setUint32(0, (high & 0x800fffff) | (1022 << 20))
  let mantissa = bits.getFloat64(0)
  if (mantissa < SQRT_HALF) {
    mantissa *= 2
    exponent--
  }
  const s = (mantissa - 1) / (mantissa + 1)
  const square = s * s
  let series = 0
  for (let power = 23; power >= 3; power -= 2) series = (series + 1 / power) * square
  return exponent * LN2_HIGH + (2 * s + (2 * s * series + exponent * LN2_LOW))
}

/** Sine of x in [0, pi/4], by its Taylor series. */
function smallSine(x: number): number {
  const square = x * x
  let sum = 0
  for (let n = 17; n >= 3; n -= 2) sum = ((1 + sum) * -square) / (n * (n - 1))
  return x * (1 + sum)
}

/** Cosine of x in [0, pi/4]. */
function smallCosine(x: number): number {
  const square = x * x
  let sum = 0
  for (let n = 18; n >= 2; n -= 2) sum = ((1 + sum) * -square) / (n * (n - 1))
  return 1 + sum
}

/** Sine of the share part / whole of a turn, for whole numbers 0 <= part < whole: cut to an eighth of a turn exactly, before anything is rounded. */
export function sineOfTurn(part: number, whole: number): number {
  if (2 * part >= whole) return part * 2 === whole ? 0 : -sineOfTurn(2 * part - whole, 2 * whole)
  // symmetric about a quarter
  if (4 * part > whole) return sineOfTurn(whole - 2 * part, 2 * whole)
  const angle = (share: number): number => share * 2 * Math.PI
  return 8 * part <= whole ? smallSine(angle(part / whole)) : smallCosine(angle((whole - 4 * part) / (4 * whole)))
}

export const cosineOfTurn = (part: number, whole: number): number => sineOfTurn((4 * part + whole) % (4 * whole), 4 * whole)

/** 2^(1/32) to the power of each whole number below 32, out of square roots, which IEEE 754 rounds in one way only. */
const ROOTS = ((): Float64Array => {
  let root = 2
  const halvings = Array.from({ length: 5 }, () => (root = Math.sqrt(root)))
  return Float64Array.from({ length: 32 }, (_, i) =>
    halvings.reduce((product, power, bit) => (i & (16 >> bit) ? product * power : product), 1),
  )
})()
const LEAST_EXPONENT = -1074
/** Powers of two from the least double on. */
const POWERS = ((): Float64Array => {
  const powers = new Float64Array(1024 - LEAST_EXPONENT)
  let power = Number.MIN_VALUE
  for (let i = 0; i < powers.length; i++, power *= 2) powers[i] = power
  return powers
})()
const STEPS_PER_UNIT = 32 / Math.LN2
// ln 2 / 32 in two parts, as above
const STEP_HIGH = LN2_HIGH / 32
const STEP_LOW = LN2_LOW / 32
const THIRD = 1 / 6
const FOURTH = 1 / 24
const FIFTH = 1 / 120
const SIXTH = 1 / 720

/** e^x of a finite x, to a few units in the last place: 2^(k/32) e^r with |r| at most 0.011, e^r by its Taylor series. Infinite from 709.79 on, 0 below -745.2. */
export function exactExp(x: number): number {
  if (x > 709.79) return Number.POSITIVE_INFINITY
  if (x < -745.2) return 0
  const steps = x * STEPS_PER_UNIT
  // the nearest whole number; which of two equally near ones does not matter
  const k = (steps < 0 ? steps - 0.5 : steps + 0.5) | 0
  const r = x - k * STEP_HIGH - k * STEP_LOW
  const square = r * r
  const series = r + square * (0.5 + r * THIRD + square * (FOURTH + r * FIFTH + square * SIXTH))
  const root = ROOTS[k & 31] as number
  const mantissa = root + root * series
  const exponent = k >> 5
  // at both ends the power alone is no double
  if (exponent > 1023) return mantissa * 2 * (POWERS[1023 - LEAST_EXPONENT] as number)
  if (exponent < -1022) return mantissa * (POWERS[exponent + 64 - LEAST_EXPONENT] as number) * 2 ** -64
  return mantissa * (POWERS[exponent - LEAST_EXPONENT] as number)
}
