/** Randomness as a parameter. */
export type Random = {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Uniform integer in [0, below). */
  integer(below: number): number
  bytes(length: number): Uint8Array<ArrayBuffer>
}

const drawn = new Uint32Array(256)
let next = drawn.length

/** From a stock: asking the platform for each draw makes an id of twenty characters take 90 microseconds. */
function draw(): number {
  if (next === drawn.length) {
    crypto.getRandomValues(drawn)
    next = 0
  }
  return drawn[next++] ?? 0
}

/** The platform's cryptographic generator: for ids, keys, salts. */
export const cryptoRandom: Random = {
  uniform: () => draw() / 2 ** 32,
  integer: (below) => {
    // rejection keeps every value equally likely when `below` does not divide 2^32
    const limit = 2 ** 32 - (2 ** 32 % below)
    for (;;) {
      const value = draw()
      if (value < limit) return value % below
    }
  },
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
}

/** Where a repeatable generator stands: four 32-bit integers. */
export type RandomState = readonly [number, number, number, number]

/** A generator that can tell where it stands, so that another can go on from there. */
export type RepeatableRandom = Random & { state(): RandomState }

/** A repeatable generator (sfc32, seeded through splitmix32): same seed, same sequence, on every platform. Not for secrets. */
export function seededRandom(seed: number): RepeatableRandom {
  let mix = seed | 0
  const split = (): number => {
    mix = (mix + 0x9e3779b9) | 0
    let t = mix ^ (mix >>> 16)
    t = Math.imul(t, 0x21f0aaad)
    t ^= t >>> 15
    t = Math.imul(t, 0x735a2d97)
    return t ^ (t >>> 15)
  }
  const random = resumedRandom([split(), split(), split(), split()])
  for (let i = 0; i < 12; i++) random.uniform()
  return random
}

/** Goes on where another repeatable generator stood. */
export function resumedRandom([first, second, third, fourth]: RandomState): RepeatableRandom {
  let [a, b, c, d] = [first, second, third, fourth]
  const next = (): number => {
    const t = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    c |= 0
    return t >>> 0
  }
  const uniform = () => next() / 2 ** 32
  return {
    uniform,
    integer: (below) => Math.floor(uniform() * below),
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
    state: () => [a, b, c, d],
  }
}

/** A standard normal draw (Box-Muller). */
export function normal(random: Random): number {
  const u = 1 - random.uniform()
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * random.uniform())
}

/** The same items in a random order (Fisher-Yates); the input is left alone. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    const held = result[i] as T
    result[i] = result[j] as T
    result[j] = held
  }
  return result
}
