import { expect, test } from 'vitest'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { cacheKey, reusable, type EarlierExecution, type StepIdentity, whyNotReused } from '../../../server/pipeline/step-cache.ts'

const digest = (letter: string) => letter.repeat(64) as Sha256
const identity: StepIdentity = {
  component: digest('a'),
  inputs: { data: digest('b') },
  params: { epochs: 3 },
  reads: { version: 1 },
  seed: 1,
}
const earlier = (change: Partial<StepIdentity>, missing: string[] = []): EarlierExecution => ({
  id: 'step_1',
  run: 'run_1',
  identity: { ...identity, ...change },
  key: digest('c'),
  missing,
})

test('[PIP-10] gives one key to the same work whatever the order of names, and another to any other work', () => {
  const key = cacheKey(identity)
  expect(cacheKey({ seed: 1, reads: { version: 1 }, params: { epochs: 3 }, inputs: { data: digest('b') }, component: digest('a') })).toBe(
    key,
  )
  for (const change of [
    { component: digest('d') },
    { inputs: { data: digest('d') } },
    { inputs: { other: digest('b') } },
    { params: { epochs: 4 } },
    { reads: null },
    { seed: 2 },
  ]) {
    expect(cacheKey({ ...identity, ...change })).not.toBe(key)
  }
})

test('[PIP-11] says why a result was or was not taken from before', () => {
  const gone = earlier({}, ['output model'])
  const usable = { from: 'step_1', why: 'same component, inputs, parameters and seed as in run_1; all outputs exist' }
  expect(reusable([earlier({})])).toEqual(usable)
  expect(reusable([gone, earlier({})])).toEqual(usable)
  expect(reusable([gone])).toBe(undefined)
  expect(reusable([])).toBe(undefined)

  const why = (same: EarlierExecution[], ...others: EarlierExecution[]) => whyNotReused(identity, same, others)
  expect(why([])).toBe('first time')
  expect(why([gone])).toBe('done before in run_1, but output model no longer exists')
  expect(why([], earlier({ params: { epochs: 2 } }))).toBe('since run_1: parameter epochs changed (2 to 3)')
  expect(why([], earlier({ inputs: { data: digest('e') } }))).toBe('since run_1: input data changed (eeeeeeeeeeee to bbbbbbbbbbbb)')
  expect(why([], earlier({ component: digest('e'), seed: 5, reads: null }))).toBe(
    "since run_1: the component's code changed (eeeeeeeeeeee to aaaaaaaaaaaa); what it looks up changed; the seed changed (5 to 1)",
  )
  // of several, the one that differs least
  const far = earlier({ component: digest('e'), seed: 5 })
  expect(why([], far, { ...earlier({ seed: 2 }), run: 'run_2' }, far)).toBe('since run_2: the seed changed (2 to 1)')
})
