const ZERO: number = 0

/**
 * Whether every value is a number: zero times a NaN or an infinity is NaN, and a sum keeps it. Four sums run side by side; 20 to 80 times as fast as
 * `every(Number.isFinite)`, which would cost a small model a tenth of its answer.
 */
export function allFinite(values: Float32Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0]
  const even = values.length - (values.length % 4)
  for (let i = 0; i < even; i += 4) {
    a += (values[i] as number) * ZERO
    b += (values[i + 1] as number) * ZERO
    c += (values[i + 2] as number) * ZERO
    d += (values[i + 3] as number) * ZERO
  }
  for (let i = even; i < values.length; i++) a += (values[i] as number) * ZERO
  return a + b + c + d === 0
}
