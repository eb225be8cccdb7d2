import { expect, test } from 'vitest'
import { makeNumericReference } from '../../../shared/stats/numeric-reference.ts'
import { checkParts } from '../../../shared/trust/manifest.ts'
import { draftFixture } from '../../fixtures/manifest-draft.ts'

test('[TRU-6] references are of the kind that the answers have: labels and how sure, or a number', async () => {
  const { draft } = await draftFixture()
  const { prediction, confidence } = draft.references
  const numbers = makeNumericReference([1, 2, 3, 4])
  const issues = (labels: string[], references: object) =>
    checkParts({ ...draft, labels, references: references as typeof draft.references })
  for (const [labels, references] of [
    [draft.labels, { prediction, confidence }],
    [draft.labels, {}],
    [[], { prediction: numbers }],
    [[], {}],
  ] as const)
    expect(issues([...labels], references)).toEqual([])
  expect(issues(draft.labels, { prediction })).toEqual(['references lack confidence'])
  expect(issues(draft.labels, { prediction: numbers, confidence })).toEqual([
    expect.stringMatching(/prediction is numeric where .* categorical/),
  ])
  expect(issues([], { ink: numbers })).toEqual(['references lack prediction'])
  expect(issues([], { prediction })).toEqual([expect.stringMatching(/prediction is categorical where .* numeric/)])
})
