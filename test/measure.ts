import type { Clock } from '../shared/core/clock.ts'

export type Figures = { readonly [name: string]: number | string | boolean | null | Figures | readonly (number | string | Figures)[] }

/** What a bench is given. Figures are what its last line carries. */
export type BenchContext = {
  /** Words after the name on the command line. */
  readonly words: readonly string[]
  say(line: string): void
  table(rows: readonly Readonly<Record<string, string | number>>[]): void
}
export type Bench = (context: BenchContext) => Promise<Figures>

/** Milliseconds of one side over all rounds. */
export type Timing = { readonly median: number; readonly low: number; readonly high: number; readonly samples: readonly number[] }

type Compare<N extends string> = {
  readonly clock: Clock
  readonly rounds: number
  /** Rounds before the first that counts. */
  readonly warmup?: number
  readonly sides: Readonly<Record<N, () => unknown>>
}

/**
 * Times the sides against each other in one run: every round does each side once, and each round begins with another side, so that
 * a machine that grows slower or hotter on the way does so for all of them. `low` and `high` are the 10th and 90th percentile.
 */
export async function compare<const N extends string>({ clock, rounds, warmup = 1, sides }: Compare<N>): Promise<Record<N, Timing>> {
  const names = Object.keys(sides) as N[]
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<N, number[]>
  for (let round = -warmup; round < rounds; round++) {
    for (const index of names.keys()) {
      const name = names[(index + round + warmup) % names.length] as N
      const start = clock.monotonic()
      await sides[name]()
      if (round >= 0) samples[name].push(clock.monotonic() - start)
    }
  }
  return Object.fromEntries(names.map((name) => [name, timingOf(samples[name])])) as Record<N, Timing>
}

function timingOf(samples: readonly number[]): Timing {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1)))] ?? Number.NaN
  return { median: at(0.5), low: at(0.1), high: at(0.9), samples }
}

/** Rows for a table of timings, in the order of the sides. */
export const timingRows = (timings: Readonly<Record<string, Timing>>): Record<string, string | number>[] =>
  Object.entries(timings).map(([side, { median, low, high }]) => ({
    side,
    'median ms': round(median),
    'p10 ms': round(low),
    'p90 ms': round(high),
  }))

const round = (ms: number): number => Number(ms.toPrecision(3))
