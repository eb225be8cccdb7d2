import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Slug } from '../../../shared/core/ids.ts'
import { param } from '../../../server/pipeline/params.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'
import { constant } from './step-kinds.ts'

const watched = (name: string, model: string) =>
  definePipeline({
    name,
    description: '',
    model,
    dataset: name,
    params: { value: 0 },
    steps: { one: step(constant, { params: { value: param('value') } }) },
    triggers: {
      demand: { enabled: true, settings: {} },
      drift: { enabled: true, settings: { minExamples: 3, cooldownMs: 0, params: { value: 7 } } },
      degradation: { enabled: false, settings: {} },
      'new-data': { enabled: true, settings: { minSpans: 1 } },
      schedule: { enabled: false, settings: { cron: '* * * * *' } },
    },
  })

let bench: PipelineBench
beforeAll(async () => {
  bench = await createBench({ pipelines: [watched('first', 'model-one'), watched('second', 'model-two')], form: null })
  await bench.pipelines.begin()
  for (const name of ['first', 'second']) await bench.api('datasets.create', { body: { name: name as Slug } })
})
afterAll(() => bench.close())

const runs = async (pipeline: string) => (await bench.api('runs.list', { query: { pipeline: pipeline as Slug } })).items
const decisions = async (pipeline: string) => (await bench.api('pipelines.decisions', { params: { pipeline: pipeline as Slug } })).items
const share = async (model: string, from: number, count: number) => {
  await bench.datasets.share(
    model as Slug,
    'dev_1',
    Array.from({ length: count }, (_, i) => ({ id: `shared-${model}-${from + i}`, captured: 1, label: 'a', shape: [1], data: 'AA==' })),
  )
  await bench.pipelines.idle()
}
/** About the version that is live, unless another is. */
const drift = async (model: string, version: number, stable = version) => {
  bench.fleet.stable = stable
  bench.events.publish({
    type: 'monitoring.verdict',
    subject: model,
    data: { model, version, verdict: 'drift', features: ['ink'], detail: 'p = 0.001' },
  })
  await bench.pipelines.idle()
}

describe('triggers at work', () => {
  test('[PIP-31] a drift waits for labelled examples, then starts one run of the pipeline concerned, and every decision is kept with its why', async () => {
    await drift('model-one', 4)
    expect(await runs('first')).toEqual([])
    expect(await decisions('first')).toMatchObject([
      { kind: 'drift', fired: false, run: null, why: expect.stringMatching(/pending: 0 of the 3/) },
    ])
    await share('model-one', 0, 2)
    expect(await decisions('first')).toMatchObject([
      { kind: 'new-data' },
      { fired: false, why: expect.stringMatching(/pending: 2 of the 3/) },
    ])
    await share('model-one', 2, 1)
    const [run, ...others] = await runs('first')
    expect(others).toEqual([])
    expect(run).toMatchObject({
      state: 'succeeded',
      params: { value: 7 },
      trigger: { kind: 'drift', reason: expect.stringMatching(/drift of model-one version 4 in ink/) },
    })
    expect(await decisions('first')).toContainEqual(
      expect.objectContaining({ kind: 'drift', fired: true, run: run?.id, dedupeKey: 'drift:model-one:4:1' }),
    )
    expect(await runs('second')).toEqual([])
  })

  test('[PIP-32] the same verdict again starts no second run; one about the next version does', async () => {
    const before = (await runs('first')).length
    await drift('model-one', 4)
    expect(await runs('first')).toHaveLength(before)
    expect((await decisions('first'))[0]).toMatchObject({
      kind: 'drift',
      fired: false,
      why: expect.stringMatching(/a run was started for this already/),
    })
    await drift('model-one', 5)
    expect(await runs('first')).toHaveLength(before + 1)
  })

  test('[PIP-62] while a rollout is under way a verdict waits; when the version is no longer the stable one it is dropped', async () => {
    const before = (await runs('first')).length
    bench.fleet.rollout = 'rollout rol_1 of version 7 is under way'
    await drift('model-one', 6)
    expect(await runs('first')).toHaveLength(before)
    expect((await decisions('first'))[0]).toMatchObject({
      kind: 'drift',
      fired: false,
      why: expect.stringMatching(/but rollout rol_1 .* considered again/),
    })
    bench.fleet.rollout = null
    bench.events.publish({ type: 'rollout.changed', subject: 'model-one@stable', data: { model: 'model-one', state: 'rolled-back' } })
    await bench.pipelines.idle()
    expect(await runs('first')).toHaveLength(before + 1)
    // the verdict stands, and as many examples again are another reason; but another version is live by now
    bench.fleet.stable = 7
    await share('model-one', 3, 3)
    expect(await runs('first')).toHaveLength(before + 1)
    expect(await decisions('first')).toContainEqual(
      expect.objectContaining({ kind: 'drift', fired: false, why: expect.stringMatching(/overtaken: the stable version is 7 now/) }),
    )
  })

  test('[PIP-63] a verdict stands until its version is no longer live: as many examples again start another run', async () => {
    const before = (await runs('first')).length
    await drift('model-one', 8)
    expect(await runs('first')).toHaveLength(before + 1)
    await share('model-one', 6, 3)
    expect(await runs('first')).toHaveLength(before + 2)
  })

  test('[PIP-33] a new span starts a run of the pipeline whose data set it came to', async () => {
    const before = (await runs('first')).length
    await bench.api('spans.upload', {
      params: { dataset: 'second' as Slug },
      body: new TextEncoder().encode('a,b\n1,2\n'),
      type: 'text/csv',
    })
    await bench.pipelines.idle()
    expect(await runs('second')).toMatchObject([{ trigger: { kind: 'new-data', reason: '1 new spans arrived, 1 are enough' } }])
    expect(await runs('first')).toHaveLength(before)
  })

  test('[PIP-34] a trigger that is off does nothing; switched on it is considered from then on', async () => {
    bench.fleet.stable = 1
    bench.events.publish({
      type: 'monitoring.verdict',
      subject: 'model-two',
      data: { model: 'model-two', version: 1, verdict: 'degradation', features: [], detail: 'accuracy 0.7' },
    })
    await bench.pipelines.idle()
    const before = (await runs('second')).length
    const set = await bench.api('triggers.set', {
      params: { pipeline: 'second' as Slug, kind: 'degradation' },
      body: { enabled: true, settings: { cooldownMs: 0 } },
    })
    expect(set).toMatchObject({ kind: 'degradation', enabled: true, settings: { cooldownMs: 0 } })
    await bench.pipelines.tick()
    await bench.pipelines.idle()
    expect((await runs('second')).slice(0, (await runs('second')).length - before)).toMatchObject([{ trigger: { kind: 'degradation' } }])
    await expect(
      bench.api('triggers.set', {
        params: { pipeline: 'second' as Slug, kind: 'schedule' },
        body: { enabled: true, settings: { cron: 'soon' } },
      }),
    ).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('[PIP-35] what somebody has set outlives the next start', async () => {
    await bench.pipelines.define(watched('second', 'model-two'))
    const { triggers } = await bench.api('pipelines.get', { params: { pipeline: 'second' as Slug } })
    expect(triggers.find(({ kind }) => kind === 'degradation')).toMatchObject({ enabled: true })
  })
})
