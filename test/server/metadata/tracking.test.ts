import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogBatch } from '../../../shared/contract/tracking.ts'
import { must } from '../../../shared/core/assert.ts'
import type { RunId } from '../../../shared/core/ids.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { param } from '../../../server/pipeline/params.ts'
import { createBench, type PipelineBench } from '../pipeline/pipeline-harness.ts'
import { measures } from '../pipeline/step-kinds.ts'

const pipeline = definePipeline({
  name: 'learn',
  description: '',
  model: 'm',
  dataset: 'd',
  params: { epochs: 3, fails: false, recipe: { rate: 0.1, kind: 'adam' } },
  steps: { train: step(measures, { params: { epochs: param('epochs'), fails: param('fails') } }) },
})

let bench: PipelineBench
beforeAll(async () => {
  bench = await createBench({ pipelines: [pipeline] })
})
afterAll(() => bench.close())

async function run(params: Record<string, number | boolean> = {}): Promise<RunId> {
  const { id } = await bench.pipelines.startRun('learn', { params, reason: 'test', by: 'tests' })
  await bench.pipelines.idle()
  return id
}

const log = (id: RunId, batch: Partial<LogBatch>) => bench.api('runs.log', { params: { run: id }, body: batch })
const values = (id: RunId) => bench.api('runs.values', { params: { run: id } })
const history = async (id: RunId, metric: string) =>
  (await bench.api('runs.metric', { params: { run: id, metric }, query: { limit: '500' } })).items

describe('what runs tell of themselves', () => {
  test('[MET-20] a step reports as it learns; a run whose step came from the cache has the same figures and curves', async () => {
    const first = await run({ epochs: 4 })
    expect((await values(first)).metrics).toEqual({ loss: 0.25, 'train accuracy': 0.4, accuracy: 0.4 })
    expect((await history(first, 'loss')).map(({ step: at, value }) => [at, value])).toEqual([1, 2, 3, 4].map((at) => [at, 1 / at]))
    const again = await run({ epochs: 4 })
    expect((await bench.pipelines.run(again)).steps.map(({ state }) => state)).toEqual(['cached'])
    expect((await values(again)).metrics).toEqual((await values(first)).metrics)
    expect(await history(again, 'loss')).toEqual(await history(first, 'loss'))
  })

  test('[MET-20] what a step that failed had measured is kept, and its parameters with it', async () => {
    const failed = await run({ epochs: 2, fails: true })
    const found = await values(failed)
    expect(found).toMatchObject({
      run: { state: 'failed' },
      metrics: { loss: 0.5 },
      params: { epochs: '2', fails: 'true', 'recipe.kind': 'adam' },
    })
  })

  test('[MET-21] the same batch any number of times, in any order with others, has one effect', async () => {
    const id = await run({ epochs: 1 })
    let round = 0
    const point = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      step: fc.integer({ min: -2, max: 5 }),
      at: fc.integer({ min: 0, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(point, { maxLength: 20, selector: (one) => JSON.stringify(one) }),
        fc.infiniteStream(fc.nat()),
        async (points, order) => {
          // names of their own for each try
          const mark = `${++round} `
          const all = points.map((one) => ({ ...one, name: mark + one.name, value: one.step * 10 + one.at }))
          const cut = order.next().value % (all.length + 1)
          const parts = [all.slice(0, cut), all.slice(cut), all.slice(0, cut)]
          for (const metrics of order.next().value % 2 === 0 ? parts : parts.toReversed()) await log(id, { metrics })
          const { metrics } = await values(id)
          for (const name of new Set(all.map((one) => one.name))) {
            const own = all.filter((one) => one.name === name).sort((x, y) => x.step - y.step || x.at - y.at)
            expect(await history(id, name)).toEqual(own.map(({ step: at, at: time, value }) => ({ step: at, at: time, value })))
            expect(metrics[name]).toBe(must(own.at(-1), 'a point').value)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  test('[MET-21] a parameter keeps its value, a tag takes the last, what is no number is told as such; a refused batch leaves nothing', async () => {
    const id = await run({ epochs: 1 })
    await log(id, { params: { optimizer: 'adam' }, tags: { team: 'a' }, metrics: [{ name: 'spoilt', value: 'NaN', step: 1, at: 5 }] })
    await log(id, { params: { optimizer: 'adam' }, tags: { team: 'b' }, metrics: [{ name: 'huge', value: '-Infinity', step: 1, at: 5 }] })
    await expect(
      log(id, { params: { optimizer: 'sgd' }, tags: { team: 'c' }, metrics: [{ name: 'late', value: 1, step: 0, at: 1 }] }),
    ).rejects.toMatchObject({
      code: 'conflict',
      issues: [{ where: 'body.params.optimizer' }],
    })
    const found = await values(id)
    expect(found).toMatchObject({
      params: { optimizer: 'adam', epochs: '1' },
      tags: { team: 'b' },
      metrics: { spoilt: 'NaN', huge: '-Infinity' },
    })
    expect(found.metrics).not.toHaveProperty('late')
    await expect(log('run_00000000000000000000' as RunId, {})).rejects.toMatchObject({ code: 'unknown_run' })
    const many = Array.from({ length: 10_001 }, (_, at) => ({ name: 'x', value: 1, step: at, at }))
    await expect(log(id, { metrics: many })).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

describe('search', () => {
  test('[MET-24] finds what a plain look through all runs finds, in pages, whatever is asked', async () => {
    const facts = await Promise.all(
      Array.from({ length: 24 }, async (_, i) => {
        const id = await run({ epochs: 1 })
        const own = { x: i % 5, ...(i % 3 === 0 ? {} : { y: (i * 7) % 4 }) }
        await log(id, {
          metrics: Object.entries(own).map(([name, value]) => ({ name, value, step: 0, at: 1 })),
          params: { size: String(i % 4), kind: i % 2 === 0 ? 'Even' : 'odd' },
          tags: { searched: 'yes' },
        })
        return { id, ...own, size: i % 4, kind: i % 2 === 0 ? 'Even' : 'odd' } as {
          id: RunId
          x: number
          y?: number
          size: number
          kind: string
        }
      }),
    )
    const age = new Map((await bench.api('runs.list', { query: { limit: '500' } })).items.map(({ id }, i) => [id, i]))
    const compare = fc.constantFrom('=', '!=', '<', '<=', '>', '>=')
    const holds = (a: number | undefined, sign: string, b: number): boolean =>
      a !== undefined && ({ '=': a === b, '!=': a !== b, '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }[sign] ?? false)
    const condition = fc.oneof(
      fc.tuple(fc.constantFrom('x', 'y'), compare, fc.nat(4)).map(([name, sign, value]) => ({
        text: `metrics.${name} ${sign} ${value}`,
        test: (one: (typeof facts)[number]) => holds(one[name as 'x' | 'y'], sign, value),
      })),
      fc.tuple(compare, fc.nat(4)).map(([sign, value]) => ({
        text: `params.size ${sign} ${value}`,
        test: (one: (typeof facts)[number]) => holds(one.size, sign, value),
      })),
      fc.constantFrom(
        { text: "params.kind like 'EV%'", test: (one: (typeof facts)[number]) => one.kind === 'Even' },
        { text: "params.kind in ('odd', 'other')", test: (one: (typeof facts)[number]) => one.kind === 'odd' },
        { text: "attributes.state = 'succeeded'", test: () => true },
        { text: "state = 'failed'", test: () => false },
        { text: 'metrics.unheard = 1', test: () => false },
      ),
    )
    const order = fc.constantFrom('', 'metrics.x desc', 'metrics.y', 'attributes.created', 'metrics.unheard')
    // small pages too: their conditions are looked up run by run
    const size = fc.oneof(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 30 }))
    await fc.assert(
      fc.asyncProperty(fc.array(condition, { maxLength: 3 }), order, size, async (conditions, by, limit) => {
        const filter = ["tags.searched = 'yes'", ...conditions.map(({ text }) => text)].join(' and ')
        const found: RunId[] = []
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const page = await bench.api('runs.search', {
            query: { filter, limit: String(limit), ...(by === '' ? {} : { order: by }), ...(cursor === undefined ? {} : { cursor }) },
          })
          expect(page.items.length).toBeLessThanOrEqual(limit)
          found.push(...page.items.map((one) => one.run.id))
          cursor = page.next
        }
        const rank = ({ id }: { id: RunId }): number => age.get(id) ?? 0
        const expected = facts
          .filter((one) => conditions.every(({ test: holdsFor }) => holdsFor(one)))
          .sort((a, b) => {
            if (by === 'attributes.created') return rank(b) - rank(a)
            const [field, descending] = by.startsWith('metrics.x') ? (['x', true] as const) : (['y', false] as const)
            if (by === '' || by === 'metrics.unheard') return rank(a) - rank(b)
            const [p, q] = [a[field], b[field]]
            if (p === undefined || q === undefined) return p === q ? rank(a) - rank(b) : p === undefined ? 1 : -1
            return descending ? q - p || rank(a) - rank(b) : p - q || rank(b) - rank(a)
          })
        expect(found).toEqual(expected.map(({ id }) => id))
      }),
      { numRuns: 60 },
    )
  })

  test('[MET-24] a cursor that no page gave, and an order that is none, are refused', async () => {
    const search = (query: Record<string, string>) => bench.api('runs.search', { query })
    for (const query of [
      { cursor: 'x' },
      { cursor: '1' },
      { cursor: '1.2.3:4' },
      { order: 'metrics.x sideways' },
      { order: 'params.x' },
      { filter: 'x' },
    ])
      await expect(search(query)).rejects.toMatchObject({ code: 'invalid_input' })
  })
})
