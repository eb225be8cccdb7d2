import { expect, test } from 'vitest'
import { type MaturityFacts, maturityOf } from '../../../server/pipeline/maturity.ts'

const step = (component: string) => ({ name: `${component}-step`, component, componentVersion: '1', after: [] })
const trigger = (kind: 'schedule' | 'drift' | 'demand', enabled = true) => ({ kind, enabled, settings: {}, lastFired: null })
const manual: MaturityFacts = {
  steps: [step('train')],
  triggers: [trigger('demand')],
  succeeded: { demand: 3 },
  commits: [],
  rollout: false,
  newDataToNewModel: [],
}
const automatic: MaturityFacts = {
  ...manual,
  steps: ['validate-data', 'train', 'validate-model', 'release'].map(step),
  triggers: [trigger('schedule')],
  succeeded: { schedule: 2 },
}
const delivered: MaturityFacts = {
  ...automatic,
  triggers: [trigger('schedule'), trigger('drift')],
  commits: ['a', 'b'],
  rollout: true,
  newDataToNewModel: [9, 4, 5],
}

test('[PIP-110] a pipeline has the level whose checks all hold, and says of each why', () => {
  expect([manual, automatic, delivered].map((facts) => maturityOf(facts).level)).toEqual([0, 1, 2])
  for (const { checks } of [manual, automatic, delivered].map(maturityOf)) for (const { why } of checks) expect(why).not.toBe('')
  // each check alone decides
  const less: Partial<MaturityFacts>[] = [
    { triggers: [trigger('schedule', false), trigger('drift', false)] },
    { succeeded: { demand: 9 } },
    ...['validate-data', 'validate-model', 'release'].map((name) => ({
      steps: delivered.steps.filter(({ component }) => component !== name),
    })),
  ]
  for (const change of less) expect(maturityOf({ ...delivered, ...change }).level).toBe(0)
  for (const change of [{ triggers: [trigger('schedule')] }, { rollout: false }, { commits: ['a'] }])
    expect(maturityOf({ ...delivered, ...change }).level).toBe(1)
  expect(maturityOf(manual).newDataToNewModelMs).toBeNull()
  expect(maturityOf(delivered).newDataToNewModelMs).toBe(5)
})
