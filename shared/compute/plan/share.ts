import type { Run } from './run.ts'

/**
 * How the threads of a plan take a step together; each does some of its output, so that every sum stays whole and the bits do not depend on the number of threads.
 *
 * - `images`: reads and writes its own examples, beside what is the same for all.
 * - `values`: reads what others wrote, and writes what others will read.
 * - `weights`: reads what others wrote, and writes weights or gradients that nothing but an `update` still reads in this pass.
 * - `update`: reads and writes gradients, and what goes with them.
 * - `panels`: reads weights only, and writes what others will read.
 */
export type Share = 'images' | 'values' | 'weights' | 'update' | 'panels'

export type SharedStep = { readonly share: Share; readonly run: () => void }

/** A plain function is run by the first thread alone. */
export type Step = (() => void) | SharedStep

/** The first of this many things that belongs to part `part`: nearly equal stretches in order, cut at multiples of `unit`, the longer ones first. */
const border = (count: number, part: number, parts: number, unit: number): number =>
  Math.min(count, Math.ceil((Math.ceil(count / unit) * part) / parts) * unit)

/** Gives `work` the stretch of `count` things that this thread takes, unless that is empty. */
export function withShare({ part, parts }: Run, count: number, unit: number, work: (from: number, count: number) => void): void {
  const from = border(count, part, parts, unit)
  const own = border(count, part + 1, parts, unit) - from
  if (own > 0) work(from, own)
}

/** A step in which each thread takes some of the batch's examples: the first of them, and how many. */
export const byImages = (run: Run, work: (first: number, images: number) => void): SharedStep => ({
  share: 'images',
  run: () => withShare(run, run.images, 1, work),
})

/** A step in which each thread takes a stretch of `count` things, cut at multiples of `unit`. */
export const byStretch = (
  run: Run,
  share: Exclude<Share, 'images'>,
  count: number,
  unit: number,
  work: (from: number, count: number) => void,
): SharedStep => ({ share, run: () => withShare(run, count, unit, work) })

/** Of what the longest stretch takes, how much all take on average: 1 where `count` units share out evenly. */
export const evenness = (count: number, parts: number): number => count / (parts * Math.ceil(count / parts))

/** The threads of a plan: which one this is, and where all wait for each other. */
export type Crew = { readonly part: number; readonly parts: number; meet(): void }

export const ALONE: Crew = { part: 0, parts: 1, meet() {} }

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

/** Runs the steps in order as this thread of the crew. All meet where something crosses from thread to thread, and at the end. */
export function sequence(steps: readonly Step[], { part, parts, meet }: Crew): () => void {
  const runs = steps.map((step) => (typeof step === 'function' ? step : step.run))
  if (parts === 1)
    return () => {
      for (const run of runs) run()
    }
  const list: (() => void)[] = []
  const pending = new Set<Kind>()
  for (const [i, step] of steps.entries()) {
    const kind = typeof step === 'function' ? 'one' : step.share
    if (WAITS[kind].some((one) => pending.has(one))) {
      list.push(meet)
      pending.clear()
    }
    pending.add(kind)
    if (kind !== 'one' || part === 0) list.push(runs[i] as () => void)
  }
  list.push(meet)
  return () => {
    for (const run of list) run()
  }
}
