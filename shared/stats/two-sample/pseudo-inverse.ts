type Matrix = readonly (readonly number[])[]

/** Inverse of a small symmetric matrix on the space where it is not zero, with that space's dimension: eigenvalues by Jacobi's rotations (Golub and Van Loan, 8.5). */
export function pseudoInverse(matrix: Matrix): { inverse: number[][]; rank: number } {
  const size = matrix.length
  const a = matrix.map((line) => [...line])
  const vectors = a.map((_, i) => a.map((_line, j) => (i === j ? 1 : 0)))
  const at = (m: number[][], i: number, j: number): number => m[i]?.[j] as number
  const rotate = (m: number[][], [i, j]: [number, number], [k, l]: [number, number], c: number, s: number): void => {
    const [x, y] = [at(m, i, j), at(m, k, l)]
    ;(m[i] as number[])[j] = c * x - s * y
    ;(m[k] as number[])[l] = s * x + c * y
  }
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) off += at(a, p, q) ** 2
    if (off < 1e-300) break
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (at(a, p, q) === 0) continue
        const tau = (at(a, q, q) - at(a, p, p)) / (2 * at(a, p, q))
        const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau))
        const c = 1 / Math.sqrt(1 + t * t)
        for (let k = 0; k < size; k++) rotate(a, [k, p], [k, q], c, t * c)
        for (let k = 0; k < size; k++) rotate(a, [p, k], [q, k], c, t * c)
        for (let k = 0; k < size; k++) rotate(vectors, [k, p], [k, q], c, t * c)
      }
    }
  }
  const values = a.map((line, i) => line[i] as number)
  // what rounding leaves of a zero
  const floor = Math.max(...values.map(Math.abs)) * size * 2 ** -52
  const kept = values.map((value) => (Math.abs(value) > floor ? 1 / value : 0))
  const inverse = a.map((_, i) =>
    a.map((_line, j) => kept.reduce((sum, weight, k) => sum + at(vectors, i, k) * weight * at(vectors, j, k), 0)),
  )
  return { inverse, rank: kept.filter((weight) => weight !== 0).length }
}
