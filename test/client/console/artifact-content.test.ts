import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { confusionOf, historyOf, numbersOf } from '../../../client/console/artifact-content.ts'

it('[CNS-9] finds a confusion matrix at the top or one level below, with its labels where they fit', () => {
  const confusion = [
    [5, 1],
    [0, 7],
  ]
  expect(confusionOf({ accuracy: 0.9, confusion })).toEqual({ classes: ['0', '1'], counts: confusion })
  expect(confusionOf({ candidate: { confusion, labels: ['late', 'on time'] } })).toEqual({
    classes: ['late', 'on time'],
    counts: confusion,
  })
  expect(confusionOf({ confusion, labels: ['one too few'] })).toMatchObject({ classes: ['0', '1'] })
  expect(confusionOf({ confusion: [[1, 2, 3], [1]] })).toBeUndefined()
})

it('[CNS-9] finds a training history, as rows by epoch or as lists', () => {
  const rows = [
    { epoch: 1, loss: 0.5, note: 'x' },
    { epoch: 2, loss: 0.25, accuracy: 0.9 },
  ]
  const lists = [{ name: 'loss', values: [0.5, 0.25] }]
  expect(historyOf(rows)).toEqual(lists)
  expect(historyOf({ epochs: rows })).toEqual(lists)
  expect(historyOf({ history: { loss: [0.5, 0.25] } })).toEqual(lists)
  expect(historyOf({ accuracy: 0.9 })).toBeUndefined()
  expect(numbersOf({ accuracy: 0.9, name: 'x', deep: { n: 1 } })).toEqual([['accuracy', 0.9]])
})

it('[CNS-9] takes any JSON without failing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(() => [confusionOf(value), historyOf(value), numbersOf(value)]).not.toThrow()
    }),
  )
})
