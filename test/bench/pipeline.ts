// What a pipeline costs beside its work: overhead of a step, a cached run beside 10,000 stored ones, an event's way to a step, lineage, logging in batches, searching among 30,000 runs of 300 values.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../shared/core/clock.ts'
import type { RunDetail } from '../../shared/contract/pipelines.ts'
import { utf8 } from '../../shared/core/bytes.ts'
import type { ArtifactId, RunId, Slug } from '../../shared/core/ids.ts'
import { param } from '../../server/pipeline/params.ts'
import { definePipeline, type Pipeline, step } from '../../server/pipeline/pipeline.ts'
import type { Bench } from '../measure.ts'
import { createTestServer, type TestServer } from '../server/harness.ts'
import { addGenerations, addValues, repeatRun } from './pipeline/many-rows.ts'
import { mark, sharedNow } from './pipeline/mark-step.ts'

const STORED_RUNS = 10_000
const SEARCHED = { runs: 30_000, values: 300 }
const BATCH = 1000
const ARTIFACTS = { generations: 100, width: 100 }
/** Questions of each kind after which the code is as fast as it gets. */
const WARMING = 5

const chain = (name: string, length: number, triggers: Pipeline['triggers'] = {}): Pipeline =>
  definePipeline({
    name,
    description: '',
    model: 'bench',
    dataset: 'bench',
    params: { lot: 0 },
    triggers,
    steps: Object.fromEntries(
      Array.from({ length }, (_, i) => [
        `s${i}`,
        step(mark, { params: { lot: param('lot') }, ...(i === 0 ? {} : { inputs: { before: `s${i - 1}.out` } }) }),
      ]),
    ),
  })

export const bench: Bench = async ({ words, say, table }) => {
  const rounds = Number(words[0] ?? 9)
  const dataFolder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  const server = await createTestServer({ clock: systemClock, dataFolder, background: true, checkReplies: false })
  try {
    const { pipelines, datasets } = server.services
    await datasets.create({ name: 'bench' as Slug, description: '' })
    await pipelines.define(chain('twenty', 20))
    await pipelines.define(chain('ten', 10))
    await pipelines.define(chain('arrival', 1, { 'new-data': { enabled: true, settings: { minSpans: 1 } } }))

    const overhead = await stepOverhead(server, rounds)
    const trigger = await triggerToFirstStep(server, rounds)
    await timedRun(server, 'ten', 0)
    const template = await timedRun(server, 'ten', 0)
    say(`storing ${STORED_RUNS} runs like ${template.detail.id}`)
    await repeatRun(server.services.db, template.detail.id, STORED_RUNS)
    const cached = await cachedRuns(server, rounds)
    const beside = await stepOverhead(server, Math.ceil(rounds / 3), 1000)
    const pages = await pageOfRuns(server, rounds)
    const lineage = await lineages(server, template.detail.id, rounds)
    const logged = await logBatches(server, template.detail.id, rounds)
    say(`storing ${SEARCHED.runs} runs with ${SEARCHED.values} values each`)
    // another run: the lineage hangs on the template
    const plain = await timedRun(server, 'ten', 0)
    await repeatRun(server.services.db, plain.detail.id, SEARCHED.runs - STORED_RUNS, STORED_RUNS + 1)
    addValues(join(dataFolder, 'shoal.db'), { ...SEARCHED, say })
    const searched = await searches(server, rounds)
    table([
      rowOf('step overhead', overhead),
      rowOf('step overhead beside 10,000 runs', beside),
      rowOf('trigger to first step', trigger),
      rowOf('cached ten-step run', cached),
      rowOf('page of 100 runs', pages),
      rowOf('lineage up', lineage.up),
      rowOf('lineage down', lineage.down),
      rowOf('lineage, the first of the process', lineage.first),
      rowOf(`log ${BATCH} points`, logged),
      ...Object.entries(searched).map(([what, samples]) => rowOf(`search ${what}`, samples)),
    ])
    return {
      stepOverheadMs: at(overhead, 0.5),
      stepOverheadP90Ms: at(overhead, 0.9),
      cachedTenStepMs: at(cached, 0.5),
      triggerToFirstStepMs: at(trigger, 0.5),
      lineage10kArtifactsMs: Math.max(at(lineage.up, 0.5), at(lineage.down, 0.5)),
      lineage10kFirstMs: Math.max(...lineage.first),
      runsPageMs: at(pages, 0.5),
      logBatchPointsPerSecond: Math.round((1000 * BATCH) / at(logged, 0.5)),
      searchPageMs: Math.max(...Object.values(searched).map((samples) => at(samples, 0.5))),
    }
  } finally {
    await server.close()
    await rm(dataFolder, { recursive: true, force: true })
  }
}

/** From one step's leaving of its run() to the next one's entering it: recording, planning, looking up, starting. */
async function stepOverhead(server: TestServer, rounds: number, firstLot = 1): Promise<number[]> {
  const found: number[] = []
  for (let round = -1; round < rounds; round++) {
    const { detail } = await timedRun(server, 'twenty', firstLot + round + 1)
    const times = detail.steps.map((one) => one.outputs['out']?.properties as { entered: number; left: number })
    if (round >= 0) found.push(...times.slice(1).map(({ entered }, i) => entered - (times[i]?.left ?? Number.NaN)))
  }
  return found
}

/** From the event that a span was added to the run() of the first step of the run that it triggers. */
async function triggerToFirstStep({ services }: TestServer, rounds: number): Promise<number[]> {
  const found: number[] = []
  for (let round = 0; round < rounds; round++) {
    let published = Number.NaN
    const stop = services.events.subscribe(({ type }) => {
      if (type === 'span.added') published = sharedNow()
    })
    const ended = endOf(services, 'arrival')
    const data = new Blob([utf8(`id,x\n${round},1\n`)]).stream()
    // parameters that no run has had yet, or the step would come from the cache
    await services.pipelines.setTrigger('arrival', 'new-data', { enabled: true, settings: { minSpans: 1, params: { lot: 5000 + round } } })
    await services.datasets.upload('bench' as Slug, { data, type: 'text/csv', source: 'bench' })
    const detail = await services.pipelines.run(await ended)
    stop()
    await services.pipelines.idle()
    found.push(Number(detail.steps[0]?.outputs['out']?.properties['entered']) - published)
  }
  return found
}

async function cachedRuns(server: TestServer, rounds: number): Promise<number[]> {
  const found: number[] = []
  for (let round = -1; round < rounds; round++) {
    const { detail, ms } = await timedRun(server, 'ten', 0)
    if (!detail.steps.every(({ state }) => state === 'cached')) throw new Error(`run ${detail.id} was not fully cached`)
    if (round >= 0) found.push(ms)
  }
  return found
}

async function pageOfRuns({ services }: TestServer, rounds: number): Promise<number[]> {
  const found: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = sharedNow()
    await services.pipelines.runs({ pipeline: 'ten', state: 'succeeded', limit: 100 })
    found.push(sharedNow() - start)
  }
  return found
}

/** Everything that the newest artifact was made from, and all that was made from the oldest: nothing is kept from one question to the next. `first` are the first of this process, whose code is cold; those after it until it is warm do not count. */
async function lineages({ services }: TestServer, run: RunId, rounds: number): Promise<{ up: number[]; down: number[]; first: number[] }> {
  const { generations, width } = ARTIFACTS
  const { oldest, newest } = await addGenerations(services.db, run, generations, width)
  const found = { up: [] as number[], down: [] as number[], first: [] as number[] }
  for (let round = -WARMING; round < rounds; round++) {
    for (const [direction, from] of [
      ['up', newest],
      ['down', oldest],
    ] as const) {
      const start = sharedNow()
      const { artifacts } = await services.metadata.lineage(from as ArtifactId, direction)
      if (artifacts.length < 0.9 * generations * width) throw new Error(`the lineage has ${artifacts.length} artifacts only`)
      const ms = sharedNow() - start
      if (round >= 0) found[direction].push(ms)
      else if (round === -WARMING) found.first.push(ms)
    }
  }
  return found
}

/** Whole requests over HTTP: read, checked, stored, durable. Every batch brings points that were not there. */
async function logBatches(server: TestServer, run: RunId, rounds: number): Promise<number[]> {
  const found: number[] = []
  const client = server.client(server.keys.editor)
  for (let round = -1; round < rounds * 4; round++) {
    const metrics = Array.from({ length: BATCH }, (_, i) => ({
      name: `loss ${i % 10}`,
      value: 1 / (i + 1),
      step: round * BATCH + i,
      at: i,
    }))
    const start = sharedNow()
    await client('runs.log', { params: { run }, body: { metrics } })
    if (round >= 0) found.push(sharedNow() - start)
  }
  return found
}

/** Pages of 50 runs with all their values, over HTTP, for filters that let through half, hardly any and many runs; of each the first page and the one after it. */
async function searches(server: TestServer, rounds: number): Promise<Record<string, number[]>> {
  const client = server.client(server.keys.viewer)
  const questions: Record<string, Record<string, string>> = {
    'newest first': {},
    'by a metric': { order: 'metrics.m7 desc' },
    threshold: { filter: 'metrics.m3 > 0.5' },
    'threshold, rare': { filter: 'metrics.m3 > 0.997' },
    'two metrics, ordered': { filter: 'metrics.m3 > 0.5 and metrics.m4 < 0.2', order: 'metrics.m7 desc' },
    'few of many, ordered': { filter: 'metrics.m3 > 0.5 and metrics.m4 < 0.005', order: 'metrics.m7' },
    'six metrics': { filter: [1, 2, 3, 4, 5, 6].map((m) => `metrics.m${m} > 0.1`).join(' and '), order: 'metrics.m7' },
    'a parameter': { filter: "params.optimizer = 'lion'" },
    'a parameter, ordered': { filter: "params.optimizer in ('lion', 'lamb') and metrics.m9 > 0.9", order: 'metrics.m7 desc' },
    text: { filter: "tags.note like '%77%'" },
    'by age, few': { filter: "metrics.m5 < 0.01 and attributes.state = 'succeeded' and params.lot = '0'" },
  }
  const found: Record<string, number[]> = {}
  for (let round = -1; round < rounds; round++) {
    for (const [what, query] of Object.entries(questions)) {
      let cursor: string | undefined
      for (const page of ['', ', page 2']) {
        const start = sharedNow()
        const { items, next }: { items: unknown[]; next: string | null } = await client('runs.search', {
          query: { ...query, ...(cursor === undefined ? {} : { cursor }) },
        })
        const ms = sharedNow() - start
        if (items.length === 0) throw new Error(`search ${what}${page} found nothing`)
        if (round >= 0) (found[what + page] ??= []).push(ms)
        cursor = next ?? undefined
      }
    }
  }
  return found
}

/** A run from being asked for to its recorded end. */
async function timedRun({ services }: TestServer, pipeline: string, lot: number): Promise<{ detail: RunDetail; ms: number }> {
  const start = sharedNow()
  const ended = endOf(services, pipeline)
  await services.pipelines.startRun(pipeline, { params: { lot }, reason: 'bench', by: 'bench' })
  const id = await ended
  const ms = sharedNow() - start
  await services.pipelines.idle()
  const detail = await services.pipelines.run(id)
  if (detail.state !== 'succeeded') throw new Error(`run ${id} ended as ${detail.state}: ${detail.error?.detail}`)
  return { detail, ms }
}

/** The id of the next run of this pipeline that ends. */
const endOf = ({ events }: TestServer['services'], pipeline: string): Promise<RunId> =>
  new Promise((resolve) => {
    const stop = events.subscribe(({ type, subject, data }) => {
      const { step: of, state, run } = data as { step: string | null; state: string; run: RunId }
      if (type !== 'run.changed' || subject !== pipeline || of !== null || state === 'queued' || state === 'running') return
      stop()
      resolve(run)
    })
  })

function at(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return Number((sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN).toPrecision(3))
}

const rowOf = (what: string, samples: readonly number[]) => ({
  what,
  n: samples.length,
  'p10 ms': at(samples, 0.1),
  'p50 ms': at(samples, 0.5),
  'p90 ms': at(samples, 0.9),
})
