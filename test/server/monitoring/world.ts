import { createHash } from 'node:crypto'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { type ManualClock, manualClock } from '../../../shared/core/clock.ts'
import type { DeviceId, Slug } from '../../../shared/core/ids.ts'
import { newId } from '../../../shared/core/ids.ts'
import { normal, type Random, seededRandom } from '../../../shared/core/random.ts'
import { countOutcome, countPrediction, emptyCalibration } from '../../../shared/stats/calibration.ts'
import { makeCategoricalReference } from '../../../shared/stats/categorical-reference.ts'
import { startCounting } from '../../../shared/stats/counters.ts'
import { countLatency, emptySketch, sketchToJson } from '../../../shared/stats/latency-sketch.ts'
import { makeNumericReference } from '../../../shared/stats/numeric-reference.ts'
import { countFeedback, emptyOutcomes } from '../../../shared/stats/outcomes.ts'
import type { References } from '../../../shared/stats/reference.ts'
import { CALIBRATION_BINS, type Report } from '../../../shared/stats/report.ts'
import type { ManifestDraft } from '../../../shared/trust/manifest.ts'
import type { ServerEvent } from '../../../server/events.ts'
import { silentLog } from '../../../server/log.ts'
import type { Monitoring } from '../../../server/monitoring/monitoring-service.ts'
import type { MonitoringSettings } from '../../../server/monitoring/settings.ts'
import type { Rollouts, RolloutSettings } from '../../../server/rollouts/rollout-service.ts'
import { createTestServer, type TestServer } from '../harness.ts'

export const MODEL = 'digits' as Slug
export const STABLE = 'stable' as Slug
export const LABELS = ['one', 'two', 'three']

/** How an input looks: two numbers, of which the world may change the first. */
export type Inputs = { readonly ink: number; readonly slant: number }
export const draw = (random: Random, shift = 0): Inputs => ({ ink: 0.3 + shift + 0.1 * normal(random), slant: 5 * normal(random) })

const answerOf = (random: Random) => ({ label: random.integer(LABELS.length), confidence: 1 - 0.1 * random.uniform() ** 2 })

export function references(seed = 1): References {
  const random = seededRandom(seed)
  const inputs = Array.from({ length: 5000 }, () => draw(random))
  const answers = Array.from({ length: 5000 }, () => answerOf(random))
  return {
    ink: makeNumericReference(inputs.map(({ ink }) => ink)),
    slant: makeNumericReference(inputs.map(({ slant }) => slant)),
    prediction: makeCategoricalReference(
      answers.map(({ label }) => LABELS[label] ?? ''),
      { keep: LABELS },
    ),
    confidence: makeNumericReference(answers.map(({ confidence }) => confidence)),
  }
}
const REFERENCES = references()

const WEIGHTS = new Uint8Array(new Float32Array([1, 2]).buffer)
const digestOf = (bytes: Uint8Array): Sha256 => createHash('sha256').update(bytes).digest('hex') as Sha256

export function draft(notes: string): ManifestDraft {
  const tensor = { dtype: 'float32' as const, shape: [1], data: 'AAAAAA==' }
  const digest = digestOf(WEIGHTS)
  return {
    topology: { class_name: 'Sequential' },
    tensors: [{ name: 'dense/kernel', dtype: 'float32', shape: [2], digest, piece: 0, offset: 0, bytes: 8 }],
    pieces: [{ digest, bytes: 8 }],
    deltas: [],
    signature: { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }] },
    transforms: [],
    labels: LABELS,
    monitors: 'columns',
    references: REFERENCES,
    selfTest: { input: tensor, output: tensor, tolerance: { webgpu: 1e-3, wasm: 1e-4, cpu: 1e-4 } },
    promised: { errorRate: 0.02, latencyCeilingMs: 1000 },
    metrics: {},
    lineage: { run: null, round: null, dataset: null, notes },
    requires: { runtime: 'tfjs-layers', shoal: '0.1.0' },
  }
}

export type ReportOptions = {
  readonly random: Random
  readonly version?: number
  readonly epoch: string
  readonly window: number
  readonly sequence?: number
  readonly predictions?: number
  readonly shift?: number
  /** Share of wrong answers among `feedback` of the predictions. */
  readonly errorRate?: number
  readonly feedback?: number
}

export type World = {
  readonly server: TestServer
  readonly clock: ManualClock
  readonly monitoring: Monitoring
  readonly rollouts: Rollouts
  readonly events: ServerEvent[]
  /** Failures after reports were taken. */
  readonly failures: unknown[]
  readonly manifests: Map<number, Sha256>
  addVersion(): Promise<number>
  report(options: ReportOptions): Report
  eventsOf(type: string): ServerEvent[]
  close(): Promise<void>
}

export type WorldOptions = {
  readonly monitoring?: Partial<MonitoringSettings>
  readonly rollouts?: Partial<RolloutSettings>
  readonly dataFolder?: string
  readonly seed?: number
  readonly clock?: ManualClock
}

/** A server with one model, of which version 1 is stable. */
export async function createWorld({
  monitoring = {},
  rollouts = {},
  dataFolder,
  seed = 7,
  clock = manualClock(),
}: WorldOptions = {}): Promise<World> {
  const failures: unknown[] = []
  const events: ServerEvent[] = []
  const random = seededRandom(seed)
  const server = await createTestServer({
    clock,
    random,
    monitoring,
    rollouts,
    log: { ...silentLog, error: (message, properties) => failures.push(message, properties) },
    ...(dataFolder === undefined ? {} : { dataFolder }),
  })
  server.services.events.subscribe((event) => events.push(event))
  const { registry, blobs } = server.services
  const actor = { kind: 'system', name: 'test' } as const
  const manifests = new Map<number, Sha256>()
  const addVersion = async (): Promise<number> => {
    const { version, manifest } = await registry.registerVersion(
      { model: MODEL, draft: draft(`version ${manifests.size + 1}`), parent: null },
      actor,
    )
    manifests.set(version, manifest)
    return version
  }
  await blobs.put(WEIGHTS)
  await registry.createModel({ name: MODEL, description: '' })
  for (const { version, manifest } of await registry.listVersions(MODEL)) manifests.set(version, manifest)
  if (manifests.size === 0) {
    await addVersion()
    await registry.setAlias({ model: MODEL, alias: STABLE, version: 1, reason: 'first' }, actor)
  }
  const made = server.services
  return {
    server,
    clock,
    monitoring: made.monitoring,
    rollouts: made.rollouts,
    events,
    failures,
    manifests,
    addVersion,
    report: (options) => makeReport(options, manifests.get(options.version ?? 1) ?? ('0'.repeat(64) as Sha256)),
    eventsOf: (type) => events.filter((event) => event.type === type),
    close: () => server.close(),
  }
}

/** Counted by the very code that devices run. */
function makeReport(
  { random, version = 1, epoch, window, sequence = 0, predictions = 20, shift = 0, errorRate = 0, feedback = 0 }: ReportOptions,
  manifest: Sha256,
): Report {
  const counting = startCounting(REFERENCES)
  const calibration = emptyCalibration(CALIBRATION_BINS)
  const latency = emptySketch()
  const outcomes = emptyOutcomes(LABELS.length)
  for (let i = 0; i < predictions; i++) {
    const { label, confidence } = answerOf(random)
    counting.observeRow({ ...draw(random, shift), prediction: LABELS[label], confidence })
    countPrediction(calibration, confidence)
    countLatency(latency, 5 + 2 * random.uniform())
    if (i >= feedback) continue
    const right = random.uniform() >= errorRate
    countFeedback(outcomes, label, right)
    countOutcome(calibration, confidence, right)
  }
  return {
    epoch,
    window,
    sequence,
    model: MODEL,
    version,
    manifest,
    predictions,
    counters: counting.take(),
    calibration,
    latency: sketchToJson(latency),
    outcomes,
    firstWindow: null,
    errors: {},
    selfRollbacks: [],
    backend: 'wasm',
    dropped: 0,
  }
}

const HEX = '0123456789abcdef'
export const newEpoch = (random: Random): string => Array.from({ length: 32 }, () => HEX[random.integer(16)]).join('')
export const newDevice = (random: Random): DeviceId => newId('device', random)
export const minute = (at: number): number => Math.floor(at / 60_000) * 60_000
