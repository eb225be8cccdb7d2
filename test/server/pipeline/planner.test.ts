import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isDone, plan, type PlannedStep, resumed, type StepState } from '../../../server/pipeline/planner.ts'

type Outcome = 'succeeded' | 'cached' | 'failed' | 'stopped'

/** A random graph without circles, what each step will come to, in which order running steps end, and when the process dies. */
const story = fc.integer({ min: 1, max: 9 }).chain((n) =>
  fc.record({
    after: fc.tuple(...Array.from({ length: n }, (_, i) => fc.subarray(Array.from({ length: i }, (_, j) => `s${j}`)))),
    outcomes: fc.array(
      fc.oneof(
        { arbitrary: fc.constantFrom<Outcome>('succeeded', 'cached'), weight: 8 },
        { arbitrary: fc.constantFrom<Outcome>('failed', 'stopped'), weight: 1 },
      ),
      { minLength: n, maxLength: n },
    ),
    picks: fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
    parallel: fc.integer({ min: 1, max: 3 }),
    crashAt: fc.nat({ max: 12 }),
  }),
)

type Story = { after: string[][]; outcomes: Outcome[]; picks: number[]; parallel: number; crashAt: number }

const begin = ({ after }: Story): PlannedStep[] => after.map((names, i) => ({ name: `s${i}`, after: names, state: 'waiting' }))

/** Plays a run by the planner's word: what started in which order, and how it ended. */
function play(from: PlannedStep[], { outcomes, picks, parallel }: Story, most = Number.POSITIVE_INFINITY) {
  const steps = new Map(from.map((step) => [step.name, { ...step }]))
  const set = (name: string, state: StepState) => steps.set(name, { ...(steps.get(name) as PlannedStep), state })
  const started: string[] = []
  for (let turn = 0; turn < most; turn++) {
    const next = plan([...steps.values()], { parallel })
    if (next.kind === 'end') return { started, end: next, steps: [...steps.values()] }
    for (const name of next.start) {
      const step = steps.get(name) as PlannedStep
      expect(step.state).toBe('waiting')
      for (const other of step.after) expect(isDone((steps.get(other) as PlannedStep).state)).toBe(true)
      started.push(name)
      set(name, 'running')
    }
    const running = [...steps.values()].filter((step) => step.state === 'running')
    expect(running.length).toBeLessThanOrEqual(parallel)
    expect(running.length).toBeGreaterThan(0)
    const ending = running[(picks[turn % picks.length] as number) % running.length] as PlannedStep
    set(ending.name, outcomes[Number(ending.name.slice(1))] as Outcome)
  }
  return { started, end: undefined, steps: [...steps.values()] }
}

describe('planner', () => {
  test('[PIP-1] starts each step once, after all that it waits for, never more than allowed at a time, and ends', () => {
    fc.assert(
      fc.property(story, (told) => {
        const { started, end, steps } = play(begin(told), told)
        expect(new Set(started).size).toBe(started.length)
        const allDone = steps.every((step) => isDone(step.state))
        expect(end?.state === 'succeeded').toBe(allDone)
        if (allDone) expect(started).toHaveLength(steps.length)
      }),
      { numRuns: 500 },
    )
  })

  test('[PIP-2] starts nothing after a failure or a refusal: what runs may end, the rest is skipped', () => {
    fc.assert(
      fc.property(story, (told) => {
        const { end, steps } = play(begin(told), told)
        const broken = steps.filter((step) => step.state === 'failed' || step.state === 'stopped')
        if (broken.length === 0) return
        expect(end?.state).toBe(broken.some((step) => step.state === 'failed') ? 'failed' : 'stopped')
        expect(new Set(end?.skip)).toEqual(new Set(steps.filter((step) => step.state === 'waiting').map((step) => step.name)))
      }),
      { numRuns: 500 },
    )
  })

  test('[PIP-3] goes on after a crash without doing a finished step again', () => {
    fc.assert(
      fc.property(story, (told) => {
        const before = play(begin(told), told, told.crashAt)
        const again = resumed(before.steps)
        const done = new Set(before.steps.filter((step) => isDone(step.state)).map((step) => step.name))
        expect(again.filter((step) => step.state !== 'waiting').map((step) => step.name)).toEqual([...done])
        // what failed before may succeed now
        const after = play(again, { ...told, outcomes: told.outcomes.map(() => 'succeeded') })
        expect(after.end?.state).toBe('succeeded')
        for (const name of after.started) expect(done.has(name)).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  test('[PIP-4] ends a cancelled run once nothing runs any more', () => {
    const steps: PlannedStep[] = [
      { name: 'a', after: [], state: 'running' },
      { name: 'b', after: ['a'], state: 'waiting' },
    ]
    expect(plan(steps, { parallel: 2, cancelled: true })).toEqual({ kind: 'go', start: [] })
    const ended = plan(
      steps.map((step) => (step.name === 'a' ? { ...step, state: 'cancelled' } : step)),
      { parallel: 2, cancelled: true },
    )
    expect(ended).toEqual({ kind: 'end', state: 'cancelled', skip: ['b'] })
  })
})
