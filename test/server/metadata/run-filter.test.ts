import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AppError } from '../../../shared/core/errors.ts'
import { parseFilter, parseOrder } from '../../../server/metadata/run-filter.ts'

const failureOf = (work: () => unknown): AppError | undefined => {
  try {
    work()
    return undefined
  } catch (thrown) {
    return thrown as AppError
  }
}

describe('filters', () => {
  test('[MET-22] are comparisons joined by and', () => {
    expect(
      parseFilter(`metrics.accuracy > 0.9 AND params.optimizer = 'adam' and tags."my team" like '%sea%' and attributes.state != 'failed'`),
    ).toEqual([
      { field: { kind: 'metric', name: 'accuracy' }, compare: '>', values: [0.9] },
      { field: { kind: 'param', name: 'optimizer' }, compare: '=', values: ['adam'] },
      { field: { kind: 'tag', name: 'my team' }, compare: 'like', values: ['%sea%'] },
      { field: { kind: 'attribute', name: 'state' }, compare: '!=', values: ['failed'] },
    ])
    expect(parseFilter('')).toEqual([])
    expect(
      parseFilter(
        "params.recipe.epochs in (1, 2,'x') and status = 'FAILED' and created >= '2026-01-01T00:00:00Z' and metric.`a=b` <= -1e-3",
      ),
    ).toEqual([
      { field: { kind: 'param', name: 'recipe.epochs' }, compare: 'in', values: [1, 2, 'x'] },
      { field: { kind: 'attribute', name: 'state' }, compare: '=', values: ['failed'] },
      { field: { kind: 'attribute', name: 'created' }, compare: '>=', values: [Date.UTC(2026, 0, 1)] },
      { field: { kind: 'metric', name: 'a=b' }, compare: '<=', values: [-0.001] },
    ])
    expect(parseOrder('metrics.loss')).toEqual({ field: { kind: 'metric', name: 'loss' }, descending: false })
    expect(parseOrder('attributes.created DESC')).toEqual({ field: { kind: 'attribute', name: 'created' }, descending: true })
  })

  test('[MET-22] any name and text comes through its quotes', () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !text.includes('"'))
    fc.assert(
      fc.property(name, fc.string({ unit: 'grapheme' }), (key, value) => {
        expect(parseFilter(`params."${key}" = '${value.replaceAll("'", "''")}'`)).toEqual([
          { field: { kind: 'param', name: key }, compare: '=', values: [value] },
        ])
      }),
    )
  })

  test.each([
    ['metrics.accuracy >', 18, 'expected a number'],
    ["metrics.accuracy > 'high'", 19, 'with a number'],
    ['accuracy > 1', 0, 'expected metrics.NAME'],
    ['metrics > 1', 8, 'metrics.'],
    ["params.a = 'b", 11, 'has no end'],
    ["params.a = 'b' or params.a = 'c'", 15, 'joined by "and"'],
    ["params.a = 'b' params.c = 'd'", 15, 'expected "and"'],
    ["attributes.state = 'done'", 19, 'states are queued'],
    ["attributes.size = '1'", 11, 'attributes are'],
    ['metrics.a like 1', 10, 'compares texts'],
    ['metrics.a ; 1', 10, 'not part of a filter'],
    ["attributes.created > 'soon'", 21, 'expected a time'],
    ['params.a in (1 2)', 15, 'expected , or )'],
    ["params.a > '1'", 11, 'leave out the quotes'],
  ])('[MET-23] %s is refused at its character', (text, at, what) => {
    const error = failureOf(() => parseFilter(text))
    expect(error).toMatchObject({ code: 'invalid_input', issues: [{ where: `query.filter[${at}]` }] })
    expect(error?.detail).toContain(`character ${at + 1}: `)
    expect(error?.detail).toContain(what)
  })

  test('[MET-23] nothing that is typed breaks the reader', () => {
    const word = fc.constantFrom(
      'metrics',
      '.',
      'a',
      '"b c"',
      '=',
      '>',
      "'x'",
      '1.5',
      'and',
      'or',
      'in',
      '(',
      ')',
      ',',
      "'",
      '`',
      ' ',
      '-',
      '\u0000',
      '💥',
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        const error = failureOf(() => parseFilter(words.join('')))
        if (error === undefined) return
        expect(error.code).toBe('invalid_input')
        expect(error.detail).toMatch(/^filter, character \d+: /)
      }),
    )
  })
})
