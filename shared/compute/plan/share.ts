import type { Run } from './run.ts'

/**
 * How the threads of a plan take a step together; each does some of its output, so that every sum stays whole and the bits depend on neither their number nor who does what.
 *
 * - `images`: reads and writes its own examples, beside what is the same for all.
 * - `values`: reads what others wrote, and writes what others will read.
 * - `weights`: reads what others wrote, and writes weights or gradients that nothing but an `update` still reads in this pass.
 * - `update`: reads and writes gradients, and what goes with them.
 * - `panels`: reads weights only, and writes what others will read.
 */
export type Share = 'images' | 'values' | 'weights' | 'update' | 'panels'

export type SharedStep = {
  readonly share: Share
  /** How many things there are to share out, asked when the step runs, and at what multiples they are cut. */
  readonly count: () => number
  readonly unit: number
  /** Few things cost nearly as much as many: no more stretches than there are threads. */
  readonly coarse?: boolean
  /** Does a stretch of them. */
  work(from: number, count: number): void
}

/** A plain function is run by the first thread alone. */
export type Step = (() => void) | SharedStep

/** A step in which each thread takes some of the batch's examples: the first of them, and how many. */
export const byImages = (run: Run, work: SharedStep['work'], coarse = false): SharedStep => ({
  share: 'images',
  count: () => run.images,
  unit: 1,
  coarse,
  work,
})

/** A step in which each thread takes stretches of `count` things, cut at multiples of `unit`. */
export const byStretch = (share: Exclude<Share, 'images'>, count: number, unit: number, work: SharedStep['work']): SharedStep => ({
  share,
  count: () => count,
  unit,
  work,
})

/** Of what the longest stretch takes, how much all take on average: 1 where `count` units share out evenly. */
export const evenness = (count: number, parts: number): number => count / (parts * Math.ceil(count / parts))

/** The threads of a plan, and which one this is. */
export type Crew = {
  readonly part: number
  readonly parts: number
  /** Waits until all are here. */
  meet(): void
  /** Does some of `count` things, cut at multiples of `unit`, while the others do the rest. `slot` is another number for each of a pass. */
  share(slot: number, count: number, unit: number, work: SharedStep['work']): void
}

export const ALONE: Crew = { part: 0, parts: 1, meet() {}, share: (_, count, __, work) => work(0, count) }

/** The stretch that is part `part`'s where all stretches are nearly equal, the longer ones first. */
export function equalShare(part: number, parts: number, count: number, unit: number, work: SharedStep['work']): void {
  const border = (at: number): number => Math.min(count, Math.ceil((Math.ceil(count / unit) * at) / parts) * unit)
  const from = border(part)
  const own = border(part + 1) - from
  if (own > 0) work(from, own)
}

type Kind = Share | 'one'

/** Since all last met, steps of these kinds may still be running in other threads: a step of the kind on the left cannot begin before all have met again. */
const WAITS: Readonly<Record<Kind, readonly Kind[]>> = {
  one: ['images', 'values', 'update', 'panels'],
  images: ['one', 'values', 'update', 'panels'],
  values: ['one', 'images', 'values', 'update', 'panels'],
  weights: ['one', 'images', 'values', 'update', 'panels'],
  update: ['one', 'images', 'values', 'weights', 'update', 'panels'],
  panels: [],
}

/** Steps by images that follow each other are one piece of work: who takes an image takes it through all of them. */
function chained(steps: readonly Step[]): Step[] {
  const list: Step[] = []
  for (const step of steps) {
    const last = list.at(-1)
    if (typeof step === 'function' || step.share !== 'images' || typeof last !== 'object' || last.share !== 'images') list.push(step)
    else
      list.splice(-1, 1, {
        ...last,
        coarse: last.coarse === true || step.coarse === true,
        work(from, count) {
          last.work(from, count)
          step.work(from, count)
        },
      })
  }
  return list
}

/** Runs the steps in order as this thread of the crew. All meet where something crosses from thread to thread, and at the end. */
export function sequence(steps: readonly Step[], { part, parts, meet, share }: Crew): () => void {
  const list: (() => void)[] = []
  const pending = new Set<Kind>()
  let slots = 0
  for (const step of parts === 1 ? steps : chained(steps)) {
    const kind = typeof step === 'function' ? 'one' : step.share
    if (parts > 1 && WAITS[kind].some((one) => pending.has(one))) {
      list.push(meet)
      pending.clear()
    }
    pending.add(kind)
    if (typeof step !== 'function') {
      const slot = slots++
      const { count, unit, work, coarse } = step
      list.push(() => {
        const things = count()
        share(slot, things, coarse ? Math.ceil(things / parts / unit) * unit : unit, work)
      })
    } else if (part === 0) list.push(step)
  }
  if (parts > 1) list.push(meet)
  return () => {
    for (const run of list) run()
  }
}
