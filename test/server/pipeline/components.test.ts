import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { utf8 } from '../../../shared/core/bytes.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import type { ApiCheck } from '../../../shared/contract/version-tests.ts'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'
import type { ArtifactId, Slug } from '../../../shared/core/ids.ts'
import { fetchVersion } from '../../../server/pipeline/data/live-version.ts'
import type { MetricsDocument } from '../../../server/pipeline/data/metrics-document.ts'
import { decodeModel } from '../../../server/pipeline/data/model-file.ts'
import { encodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'
import { blind, garden, plants, tight } from './plants-pipelines.ts'

const PLANTS = 'plants' as Slug

let bench: PipelineBench
let detail: RunDetail
beforeAll(async () => {
  bench = await createBench({ pipelines: [plants, tight, blind, garden] })
  const random = seededRandom(3)
  const rows = Array.from({ length: 600 }, (_, i) => {
    const rose = random.uniform() < 0.5
    const width = (rose ? 2 : 4) + random.uniform()
    return {
      id: i,
      width,
      height: random.uniform() * 10,
      colour: rose === random.uniform() < 0.9 ? 'red' : 'yellow',
      kind: rose ? 'rose' : 'tulip',
      site: i % 2 === 0 ? 'north' : 'south',
    }
  })
  for (const name of ['measurements', 'plants']) await bench.api('datasets.create', { body: { name: name as Slug } })
  const csv = (header: string, lines: string[]) => utf8([header, ...lines].join('\n'))
  const upload = (dataset: string, body: ReturnType<typeof csv>) =>
    bench.api('spans.upload', { params: { dataset: dataset as Slug }, body, type: 'text/csv' })
  await upload(
    'measurements',
    csv(
      'id,width,height,colour,site',
      rows.slice(0, 400).map((r) => `${r.id},${r.width},${r.height},${r.colour},${r.site}`),
    ),
  )
  await upload(
    'measurements',
    csv(
      'id,width,height,colour,site',
      rows.slice(400).map((r) => `${r.id},${r.width},${r.height},${r.colour},${r.site}`),
    ),
  )
  await upload(
    'plants',
    csv(
      'id,kind',
      rows.map((r) => `${r.id},${r.kind}`),
    ),
  )
  await bench.registry.createModel({ name: 'plants' as Slug, description: '' })
  const { id } = await bench.pipelines.startRun('plants', { params: {}, reason: 'test', by: 'tests' })
  await bench.pipelines.idle()
  detail = await bench.pipelines.run(id)
}, 60_000)
afterAll(() => bench.close())

const output = (name: string, which: string) => detail.steps.find((one) => one.name === name)?.outputs[which]
const content = async (name: string, which: string): Promise<unknown> =>
  (await bench.api('artifacts.content', { params: { artifact: output(name, which)?.id as ArtifactId } })).json()

describe('components on tabular data', () => {
  test('[PIP-55] extract joins several sources and records each with its spans, the query and the number of rows', () => {
    expect(detail.error).toBeNull()
    expect(output('extract', 'data')?.properties).toMatchObject({
      rows: 600,
      query: expect.stringContaining('JOIN'),
      sources: [
        { view: 'measured', dataset: 'measurements', span: 1, rows: 400 },
        { view: 'measured', span: 2, rows: 200 },
        { view: 'named', dataset: 'plants', rows: 600, digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ],
    })
  })

  test('[PIP-56] analyse yields statistics, a schema and advice for every feature', async () => {
    expect(await content('analyse', 'statistics')).toMatchObject({ examples: 600 })
    expect(await content('analyse', 'schema')).toMatchObject({
      label: 'kind',
      features: expect.arrayContaining([
        expect.objectContaining({ name: 'colour', domain: { kind: 'values', values: ['red', 'yellow'], minMass: 1 } }),
      ]),
    })
    expect(output('analyse', 'suggestions')?.type).toBe('suggestions')
  })

  test('[PIP-57] prepare makes three exact splits and freezes transforms that fit the columns', async () => {
    const rows = ['train', 'validation', 'test'].map((name) => output('prepare', name)?.properties['rows'])
    expect(rows).toEqual([450, 60, 90])
    expect(await content('prepare', 'transforms')).toMatchObject({
      labels: ['rose', 'tulip'],
      transforms: [
        { kind: 'standardize', input: 'width' },
        { kind: 'standardize', input: 'height' },
        { kind: 'one-hot', input: 'colour', values: expect.arrayContaining(['red', 'yellow']) },
      ],
    })
  })

  test('[PIP-58] tune records every trial, searchable by parameters and score, and its best reaches training', async () => {
    const { trials, best } = (await content('tune', 'trials')) as {
      trials: { params: { learningRate: unknown }; score: number; state: string }[]
      best: number
    }
    expect(trials).toHaveLength(3)
    expect(trials[best]?.score).toBe(Math.max(...trials.map(({ score }) => score)))
    expect(await content('train', 'history')).toMatchObject({ recipe: { learningRate: trials[best]?.params.learningRate } })
    const all = await bench.api('trials.list', { query: { pipeline: PLANTS } })
    expect(all.items.map(({ score }) => score)).toEqual(trials.map(({ score }) => score).sort((a, b) => b - a))
    expect(all.items[0]).toMatchObject({
      run: detail.id,
      state: 'complete',
      params: trials[best]?.params,
      rungs: [{ epochs: 6, metrics: { validationAccuracy: expect.any(Number) } }],
    })
    const good = await bench.api('trials.list', {
      query: { run: detail.id, where: `score >= ${trials[best]?.score} and state = complete` },
    })
    expect(good.items.map(({ number }) => number)).toContain(best)
    expect((await bench.api('trials.list', { query: { where: 'metrics.loss < 0' } })).items).toEqual([])
    await expect(bench.api('trials.list', { query: { where: 'score is good' } })).rejects.toMatchObject({
      code: 'invalid_input',
      detail: expect.stringMatching(/"score is good" is no comparison/),
    })
  })

  test('[PIP-59] evaluate measures by label and by the columns to slice by; the version promises what the test does not exclude', async () => {
    expect(await content('evaluate', 'metrics')).toMatchObject({
      count: 90,
      slices: [{ slice: 'label=rose' }, { slice: 'label=tulip' }, { slice: 'site=north' }, { slice: 'site=south' }],
    })
    const manifest = await bench.registry.manifestOf('plants' as Slug, 1)
    expect(manifest).toMatchObject({
      monitors: 'columns',
      labels: ['rose', 'tulip'],
      signature: { inputs: [{ datatype: 'FP32', shape: [-1, 5] }] },
    })
    expect(Object.entries(manifest.references).map(([name, { kind }]) => [name, kind])).toEqual(
      expect.arrayContaining([
        ['width', 'numeric'],
        ['height', 'numeric'],
        ['colour', 'categorical'],
        ['prediction', 'categorical'],
        ['confidence', 'numeric'],
      ]),
    )
  })

  test('[PIP-155] evaluate measures the training split too, says what its intervals mean, and stores its plots as a page', async () => {
    const metrics = (await content('evaluate', 'metrics')) as MetricsDocument
    expect(metrics.training).toMatchObject({ count: 450, figures: { accuracy: expect.any(Number), rocAuc: expect.any(Number) } })
    expect(metrics.intervals['rocAuc']?.low).toBeLessThanOrEqual(metrics.figures['rocAuc'] ?? Number.NaN)
    expect(metrics.slices.find(({ slice }) => slice === 'site=north')?.intervals).toHaveProperty('logLoss')
    expect(metrics.statement).toMatch(/Among 4 slices/)
    expect(detail.metrics).toMatchObject({
      'training accuracy': expect.any(Number),
      'accuracy site=north': expect.any(Number),
      testExamples: 90,
    })
    const page = await (
      await bench.api('artifacts.content', { params: { artifact: output('evaluate', 'report')?.id as ArtifactId } })
    ).text()
    for (const title of ['Reliability', 'ROC', 'Confusion', 'accuracy by slice']) expect(page).toContain(`<h3>${title}</h3>`)
  })

  test('[PIP-165] a candidate is held against the majority class and a linear model on the same rows, and against nothing where there is no live version', async () => {
    const blessing = (await content('validate-model', 'blessing')) as {
      checks: {
        against: string | null
        other: number | null
        ok: boolean
        paired: { low: number; mcnemar: { onlyCandidate: number; onlyOther: number } } | null
      }[]
      rivals: Record<string, Record<string, number>>
      segments: { slice: string; live: null; gapP: number }[]
    }
    const majority = blessing.checks.find(({ against }) => against === 'majority')
    expect(majority).toMatchObject({ ok: true, other: blessing.rivals['majority']?.['accuracy'] })
    expect(majority?.paired?.low).toBeGreaterThan(0.1)
    expect(majority?.paired?.mcnemar.onlyCandidate).toBeGreaterThan(majority?.paired?.mcnemar.onlyOther ?? Number.NaN)
    expect(blessing.rivals['majority']?.['accuracy']).toBeLessThan(0.7)
    expect(blessing.rivals['linear']?.['accuracy']).toBeGreaterThan(0.8)
    expect(blessing.segments).toMatchObject([
      { slice: 'site=north', live: null, lossP: null, gapP: expect.any(Number) },
      { slice: 'site=south', live: null },
    ])
  })

  test('[PIP-158] a candidate answers in Node within its budget before it is registered; one over it is refused with the figure', async () => {
    expect(await content('validate-runtime', 'runtime')).toMatchObject({
      blessed: true,
      outcomes: [
        {
          target: 'node',
          ok: true,
          figures: { answerMs: expect.any(Number), modelBytes: expect.any(Number), memoryBytes: expect.any(Number) },
        },
        { target: 'browser', ok: true, why: 'switched off' },
      ],
    })
    const { id } = await bench.pipelines.startRun('tight', { params: {}, reason: 'test', by: 'tests' })
    await bench.pipelines.idle()
    const tight = await bench.pipelines.run(id)
    expect(tight).toMatchObject({
      state: 'stopped',
      error: { code: 'not_blessed', step: 'validate-runtime', detail: expect.stringMatching(/node: modelBytes is \d+, the budget is 10/) },
    })
  })

  test('[PIP-182] a browser that never gets to the page refuses nobody where it need not be there, and says why', {
    timeout: 200_000,
  }, async () => {
    const run = async (browser: string) => {
      const { id } = await bench.pipelines.startRun('blind', { params: { browser }, reason: 'test', by: 'tests' })
      await bench.pipelines.idle()
      return bench.pipelines.run(id)
    }
    const why = /browser.*not tried, as the browser did not get to the page: worker_died: the browser ended with code 1/
    const present = await run('if-present')
    expect(present).toMatchObject({ state: 'succeeded', error: null })
    expect(present.steps.find(({ name }) => name === 'validate-runtime')?.outputs['runtime']?.properties).toMatchObject({
      blessed: true,
      inBrowser: false,
    })
    expect((await run('required')).error).toMatchObject({ code: 'not_blessed', detail: expect.stringMatching(why) as string })
  })

  test('[PIP-169] the model card of a version is made from what was recorded, and says what it is not good for', async () => {
    const card = await bench.api('versions.card', { params: { model: PLANTS, version: '1' } })
    expect(card).toMatchObject({
      model: { name: 'plants', version: 1, inputs: ['width', 'height', 'colour'], labels: ['rose', 'tulip'], layers: ['Dense', 'Dense'] },
      training: {
        run: detail.id,
        pipeline: 'plants',
        splits: { train: 450, validation: 60, test: 90 },
        trialCount: 3,
        recipe: { epochs: 6 },
      },
      evaluation: { count: 90, figures: { accuracy: detail.metrics['accuracy'] } },
      validation: { blessed: true },
      runtime: { blessed: true },
    })
    expect(card.training?.sources).toHaveLength(3)
    expect(card.limitations.join(' ')).toMatch(/tested on 90 rows only.*Devices leave it when it is wrong more often than/)
    const [good, bad] = [
      { check: 'no key', ok: true, what: '401' },
      { check: 'p99', ok: false, what: '900 ms, at most 500' },
    ]
    const record = (kind: 'security' | 'load', checks: ApiCheck[]) =>
      bench.api('versions.record-test', { params: { model: PLANTS, version: '1' }, body: { kind, checks, figures: { requests: 40 } } })
    await record('security', [good])
    await record('load', [good, bad])
    const { tests } = await bench.api('versions.card', { params: { model: PLANTS, version: '1' } })
    const recorded = tests.filter(({ kind }) => kind !== 'canary').map(({ kind, ok, checks }) => [kind, ok, checks.length])
    recorded.sort(([a], [b]) => String(a).localeCompare(String(b)))
    expect(recorded).toEqual([
      ['load', false, 2],
      ['security', true, 1],
    ])
    const page = await (await bench.api('versions.card-page', { params: { model: PLANTS, version: '1' } })).text()
    expect(page).toMatch(/^<!doctype html>.*<h1>plants version 1<\/h1>/s)
    expect(page).toMatch(/<td>load<\/td><td>failed<\/td>.*p99: 900 ms, at most 500, requests 40<\/td>/)
    await expect(bench.api('versions.card', { params: { model: PLANTS, version: '9' } })).rejects.toMatchObject({ code: 'unknown_version' })
  })

  test('[PIP-60] a step done again gives the same digests, so that what follows comes from the cache', async () => {
    const made = (run: RunDetail, name: string) =>
      Object.values(run.steps.find((one) => one.name === name)?.outputs ?? {}).map(({ digest }) => digest as Sha256)
    for (const name of ['extract', 'train']) for (const digest of made(detail, name)) await rm(bench.blobs.path(digest))
    const { id } = await bench.pipelines.startRun('plants', { params: {}, reason: 'test', by: 'tests' })
    await bench.pipelines.idle()
    const again = await bench.pipelines.run(id)
    expect(Object.fromEntries(again.steps.map((one) => [one.name, one.state]))).toMatchObject({
      extract: 'succeeded',
      analyse: 'cached',
      prepare: 'cached',
      tune: 'cached',
      train: 'succeeded',
      evaluate: 'cached',
    })
    for (const name of ['extract', 'train']) expect(made(again, name)).toEqual(made(detail, name))
  })

  test('[PIP-61] federate opens a round on the live version, waits for its end, and yields the aggregated model', async () => {
    await bench.registry.setAlias({ model: PLANTS, alias: 'stable' as Slug, version: 1, reason: 'test' }, { kind: 'system', name: 'tests' })
    await bench.access.createApp({ app: 'garden' as Slug, models: [PLANTS] })
    const devices = await Promise.all([1, 2].map(async () => bench.as((await bench.access.registerDevice('garden' as Slug)).token)))
    const { id } = await bench.pipelines.startRun('garden', { params: {}, reason: 'test', by: 'tests' })
    const { model: base } = await fetchVersion(
      bench.api,
      (await bench.registry.getVersion(PLANTS, 1)).manifest,
      new AbortController().signal,
    )
    // every weight moves by 0.01 on one device and by 0.03 on the other, which has three times as many examples
    for (const [i, device] of devices.entries()) {
      const lease = await until(async () => (await device('leases.take', { params: { model: PLANTS } })).lease)
      const moved = Object.fromEntries(
        Object.entries(base.tensors).map(([name, { shape, data }]) => [
          name,
          { dtype: 'float32' as const, shape, data: new Float32Array(data.length).fill(i === 0 ? 0.01 : 0.03) },
        ]),
      )
      const answer = await device('updates.submit', {
        params: { lease: lease.id },
        body: encodeSafetensors(moved, { examples: i === 0 ? '10' : '30' }),
      })
      expect(answer.accepted).toBe(true)
    }
    await bench.pipelines.idle()
    const federated = await bench.pipelines.run(id)
    expect(federated).toMatchObject({ state: 'succeeded', error: null })
    const model = federated.steps[0]?.outputs['model']
    expect(model?.properties).toMatchObject({ parent: 1, round: expect.stringMatching(/^rnd_/) })
    const { tensors } = decodeModel(await bench.blobs.read(model?.digest as Sha256))
    for (const [name, { data }] of Object.entries(base.tensors)) {
      for (const [i, value] of data.entries()) expect(tensors[name]?.data[i]).toBeCloseTo(value + 0.025, 5)
    }
  })
})

async function until<T>(find: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + 10_000
  for (;;) {
    const found = await find()
    if (found !== null) return found
    if (performance.now() > end) throw new Error('it did not come about in 10 s')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
