import { artifact, digest, id, MINUTE, NOW, runs, slug } from './console-fixture-data.ts'

const link = (from: number[], step: number, to: number) => [
  ...from.map((n) => ({ artifact: id<'artifact'>('art', n), execution: id<'step'>('step', step), type: 'input' as const, path: `a${n}` })),
  { artifact: id<'artifact'>('art', to), execution: id<'step'>('step', step), type: 'output' as const, path: 'out' },
]
/** Of the version: data, two splits of it, a model, its metrics. */
export const lineage = {
  artifacts: [
    { ...artifact(8, 'version', 'digits version 4', 300), step: 'register' },
    { ...artifact(5, 'model', 'model', 508_000), step: 'train' },
    { ...artifact(7, 'metrics', 'metrics', 1600), step: 'evaluate' },
    { ...artifact(4, 'split', 'train', 9_000_000), step: 'prepare' },
    { ...artifact(1, 'data', 'digits', 11_200_000), step: 'extract' },
  ],
  executions: ['register', 'train', 'evaluate', 'prepare'].map((name, n) => ({
    id: id<'step'>('step', n),
    run: id<'run'>('run', 4),
    step: name,
    component: name,
    state: 'succeeded' as const,
  })),
  events: [...link([5, 7], 0, 8), ...link([4], 1, 5), ...link([5, 4], 2, 7), ...link([1], 3, 4)],
}
export const decisions = [
  {
    at: NOW - 10 * MINUTE,
    kind: 'drift' as const,
    code: 'fired',
    fired: true,
    why: 'drift of digits version 3 in ink, tilt',
    dedupeKey: 'drift:digits:3',
    run: id<'run'>('run', 4),
  },
  {
    at: NOW - 20 * MINUTE,
    kind: 'schedule' as const,
    code: 'not-due',
    fired: false,
    why: 'not due: the next time is 2026-11-27T02:00:00.000Z',
    dedupeKey: null,
    run: null,
  },
]
export const maturity = {
  level: 1,
  checks: [
    { level: 1, what: 'starts without a hand', holds: true, why: 'on are drift' },
    {
      level: 2,
      what: 'its own code is delivered from source control',
      holds: false,
      why: 'no run names the commit of an unchanged checkout',
    },
  ],
  newDataToNewModelMs: 95_000,
}
const beside = (name: string, a: string | null, b: string | null) => ({ name, a, b, same: a === b })
export const comparison = {
  a: runs[1],
  b: runs[0],
  sameDefinition: true,
  identical: false,
  parting: { step: 'train', outputs: ['model'], causes: ['parameter epochs changed (3 to 5)'] },
  params: [beside('epochs', '3', '5'), beside('batchSize', '64', '64')],
  metrics: [beside('accuracy', '0.9872', '0.9887'), beside('loss', '0.0412', null)],
  environment: [beside('code.commit', 'e'.repeat(40), 'f'.repeat(40))],
  steps: [
    {
      name: 'train',
      a: { state: 'succeeded' as const, tookMs: 41_000 },
      b: { state: 'running' as const, tookMs: null },
      differences: ['parameter epochs changed (3 to 5)'],
      outputs: [{ name: 'model', a: digest(1), b: digest(2), same: false }],
    },
    { name: 'release', a: null, b: { state: 'waiting' as const, tookMs: null }, differences: [], outputs: [] },
  ],
}
export const logs = Array.from({ length: 60 }, (_, seq) => ({
  seq,
  at: NOW - 9 * MINUTE + seq * 4000,
  step: seq < 8 ? 'extract' : seq < 14 ? 'prepare' : 'train',
  level: seq === 11 ? ('warn' as const) : ('info' as const),
  message:
    seq === 11
      ? '3 rows have no label and were left out'
      : seq < 14
        ? `read ${seq * 5000} rows`
        : `epoch ${1 + Math.floor((seq - 14) / 16)} batch ${(seq - 14) * 64} loss ${(0.4 / (seq - 12)).toFixed(4)}`,
}))
export const rounds = [
  {
    id: id<'round'>('rnd', 1),
    state: 'open' as const,
    plan: {
      model: slug('digits'),
      base: 3,
      baseManifest: digest(3),
      epochs: 1,
      batchSize: 16,
      learningRate: 0.01,
      seed: 1,
      clipNorm: 1,
      maxExamples: 200,
    },
    opened: NOW - 4 * MINUTE,
    deadline: NOW + 20 * MINUTE,
    ended: null,
    wanted: 20,
    minimum: 8,
    leases: 14,
    accepted: 9,
    refused: { stale_base: 1 },
    result: null,
    why: null,
  },
]
