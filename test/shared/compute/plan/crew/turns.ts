import type { CrewSetup } from '../../../../../shared/compute/plan/crew.ts'
import { type Crew, equalShare } from '../../../../../shared/compute/plan/share.ts'
import type { Pass } from '../../../../../shared/compute/plan/training-plan.ts'

/** What a thread of a crew under test is given. */
export type Trial = Omit<CrewSetup, 'control' | 'patienceMs'> & {
  /** Undefined where the thread rests. */
  readonly passes: readonly (Pass | undefined)[]
  /** One word: how often a thread has come to a meeting. */
  readonly arrivals: Int32Array<SharedArrayBuffer>
}

const PATIENCE_MS = 20_000

/**
 * A crew whose threads never run at once: between two meetings one goes after the other, in one order and then in the reverse. A step that reads what another
 * thread has yet to write, or overwrites what one has yet to read, so always gives other bits.
 */
export function turnCrew(arrivals: Int32Array<SharedArrayBuffer>, part: number, parts: number): Crew & { leave(): void } {
  let meetings = 0
  const arrive = (): void => {
    Atomics.add(arrivals, 0, 1)
    Atomics.notify(arrivals, 0)
  }
  return {
    part,
    parts,
    leave: arrive,
    share: (_, count, unit, work) => equalShare(part, parts, count, unit, work),
    meet() {
      arrive()
      meetings++
      const turn = meetings % 2 === 0 ? part : parts - 1 - part
      for (;;) {
        const count = Atomics.load(arrivals, 0)
        if (count >= meetings * parts + turn) return
        if (Atomics.wait(arrivals, 0, count, PATIENCE_MS) === 'timed-out') throw new Error(`thread ${part} waits for ever`)
      }
    },
  }
}
