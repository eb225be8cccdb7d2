const N = 624
const M = 397

function filled(seed: number): Uint32Array {
  const state = new Uint32Array(N)
  state[0] = seed
  for (let i = 1; i < N; i++) {
    const before = state[i - 1] as number
    state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i
  }
  return state
}

/** Words of MT19937 (Matsumoto and Nishimura 1998) from a filled state. */
function words(state: Uint32Array): () => number {
  let at = N
  return () => {
    if (at === N) {
      for (let i = 0; i < N; i++) {
        const y = ((state[i] as number) & 0x80000000) | ((state[(i + 1) % N] as number) & 0x7fffffff)
        state[i] = (state[(i + M) % N] as number) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
      }
      at = 0
    }
    let y = state[at++] as number
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }
}

const doubles = (next: () => number) => (): number => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992

/** numpy's legacy generator, `numpy.random.seed(seed)`: the draws that published expected values were made from. */
export function mersenneTwister(seed: number) {
  const next = words(filled(seed))
  const uniform = doubles(next)
  let kept: number | undefined
  return {
    uniform,
    /** `randint(below)`: bits above the range are cut off, and what is still too large is drawn again. */
    integer(below: number): number {
      const most = below - 1
      const mask = 2 ** Math.ceil(Math.log2(below)) - 1
      for (;;) {
        const draw = (next() & mask) >>> 0
        if (draw <= most) return draw
      }
    },
    /** `binomial(1, p)` by inversion. */
    coin: (p: number): number => (p <= 0.5 ? Number(uniform() > 1 - p) : 1 - Number(uniform() > p)),
    /** `normal()` by the polar method, in pairs. */
    normal(): number {
      if (kept !== undefined) {
        const held = kept
        kept = undefined
        return held
      }
      for (;;) {
        const [x, y] = [2 * uniform() - 1, 2 * uniform() - 1]
        const square = x * x + y * y
        if (square >= 1 || square === 0) continue
        const factor = Math.sqrt((-2 * Math.log(square)) / square)
        kept = factor * x
        return factor * y
      }
    },
  }
}

/** `random.Random(seed)` of Python, seeded by array; `choice` is one of `choices`. */
export function pythonRandom(seed: number) {
  const state = filled(19650218)
  let i = 1
  for (let k = 0; k < N; k++) {
    const before = state[i - 1] as number
    state[i] = ((state[i] as number) ^ Math.imul(before ^ (before >>> 30), 1664525)) + seed
    if (++i >= N) {
      state[0] = state[N - 1] as number
      i = 1
    }
  }
  for (let k = 0; k < N - 1; k++) {
    const before = state[i - 1] as number
    state[i] = ((state[i] as number) ^ Math.imul(before ^ (before >>> 30), 1566083941)) - i
    if (++i >= N) {
      state[0] = state[N - 1] as number
      i = 1
    }
  }
  state[0] = 0x80000000
  const uniform = doubles(words(state))
  return { uniform, choice: <T>(items: readonly T[]): T => items[Math.floor(uniform() * items.length)] as T }
}
