import { must } from '../../shared/core/assert.ts'
import { type BackendName, startBackend } from '../../shared/compute/backends.ts'
import { linear } from '../../shared/compute/architectures.ts'
import type { Topology } from '../../shared/compute/model.ts'
import { loadRuntime } from '../../shared/compute/load-runtime.ts'
import type { Runtime } from '../../shared/compute/runtime.ts'
import { makeSelfTest } from '../../shared/compute/self-test.ts'
import { unwrap } from '../../shared/core/result.ts'
import { IMAGE_FEATURES, imageFeatures } from '../../shared/data/image-features.ts'
import { makeCategoricalReference } from '../../shared/stats/categorical-reference.ts'
import { makeNumericReference } from '../../shared/stats/numeric-reference.ts'
import type { References } from '../../shared/stats/reference.ts'
import { makePieces, type Piece } from '../../shared/tensor/pieces.ts'
import type { NamedTensors, TensorData } from '../../shared/tensor/tensor.ts'
import { asNumbers } from '../../shared/tensor/model-tensor.ts'
import { encodeTensor } from '../../shared/tensor/tensor-json.ts'
import type { ManifestDraft } from '../../shared/trust/manifest.ts'
import { wasmPath } from '../shared/compute/node-backend.ts'
import { DIGIT, digit, digitLabels } from '../shared/data/mnist.ts'

const PIXELS = 784
const CLASSES = 10
const SAMPLE = 1000
export const LABELS = Array.from({ length: CLASSES }, (_, i) => String(i))

/**
 * A nearest-mean classifier of real digits as a one-layer network: no training, right about four times in five. `permute` moves each class to another
 * label; `scale` multiplies the weights (1e38 makes every real image overflow, while an empty one does not).
 */
export function digitWeights({
  permute = 0,
  scale = 1,
  jitter = 0,
}: {
  permute?: number
  scale?: number
  jitter?: number
} = {}): NamedTensors {
  const means = Array.from({ length: CLASSES }, () => new Float64Array(PIXELS))
  const counts = new Array<number>(CLASSES).fill(0)
  for (let i = 0; i < SAMPLE; i++) {
    const label = must(digitLabels[i], 'a label')
    counts[label] = (counts[label] ?? 0) + 1
    const mean = must(means[label], 'a mean')
    for (const [at, byte] of digit(i).entries()) mean[at] = (mean[at] ?? 0) + byte / 255
  }
  const kernel = new Float32Array(PIXELS * CLASSES)
  const bias = new Float32Array(CLASSES)
  for (let c = 0; c < CLASSES; c++) {
    const to = (c + permute) % CLASSES
    let square = 0
    for (let at = 0; at < PIXELS; at++) {
      const value = (must(means[c], 'a mean')[at] ?? 0) / must(counts[c], 'a count')
      kernel[at * CLASSES + to] = (value + jitter * 1e-3) * scale
      square += value * value
    }
    bias[to] = scale > 1e6 ? 0 : (-square / 2) * scale
  }
  return {
    'output/kernel': { dtype: 'float32', shape: [PIXELS, CLASSES], data: kernel },
    'output/bias': { dtype: 'float32', shape: [CLASSES], data: bias },
  }
}

export type DigitModelOptions = {
  readonly weights?: NamedTensors
  /** Of which these are the weights. */
  readonly topology?: Topology
  readonly errorRate?: number
  readonly latencyCeilingMs?: number
  /** Adds this to the golden outputs: a version that no device can reproduce. */
  readonly spoilSelfTest?: number
  readonly backend?: BackendName
}

export type DigitModel = { readonly draft: ManifestDraft; readonly pieces: readonly Piece[] }

/** A draft of a digits version with everything a device needs, and its pieces. */
export async function digitModel(options: DigitModelOptions = {}): Promise<DigitModel> {
  const {
    weights = digitWeights(),
    topology = linear({ inputShape: [28, 28, 1], classes: CLASSES }),
    errorRate = 0.2,
    latencyCeilingMs = 10_000,
    spoilSelfTest = 0,
    backend = 'wasm',
  } = options
  unwrap(await startBackend(backend, { wasmPath }))
  const runtime = await loadRuntime({ topology, tensors: weights }, backend, { wasmPath })
  const golden: TensorData = { dtype: 'float32', shape: [2, 28, 28, 1], data: new Float32Array(2 * PIXELS) }
  const test = await makeSelfTest(runtime, [golden])
  const output = must(test.outputs[0], 'an output')
  const spoilt =
    spoilSelfTest === 0
      ? output
      : encodeTensor({ dtype: 'float32', shape: [2, CLASSES], data: new Float32Array(2 * CLASSES).fill(0.1 + spoilSelfTest) })
  // weights that overflow answer with NaN: their references are those of a version that works
  const sound = !(await answersAreFinite(runtime))
    ? await loadRuntime({ topology, tensors: digitWeights() }, backend, { wasmPath })
    : runtime
  const answers = await references(sound)
  sound.dispose()
  runtime.dispose()
  // small enough for two pieces: the kernel, and the bias
  const { pieces, tensors } = await makePieces(weights, { min: 1, max: 31_380 })
  const draft: ManifestDraft = {
    topology,
    tensors: tensors.map((entry) => ({ ...entry, shape: [...entry.shape] })),
    pieces: pieces.map(({ digest, bytes }) => ({ digest, bytes: bytes.length })),
    deltas: [],
    signature: {
      inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 28, 28, 1] }],
      outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, CLASSES] }],
    },
    transforms: [{ kind: 'image-scale', input: 'image', ...DIGIT, mean: [0], deviation: [1] }],
    labels: LABELS,
    monitors: 'image',
    references: answers,
    selfTest: { input: encodeTensor(golden), output: spoilt, tolerance: test.tolerance },
    promised: { errorRate, latencyCeilingMs },
    metrics: { accuracy: 1 - errorRate },
    lineage: { run: null, round: null, dataset: null, notes: 'nearest mean' },
    requires: { runtime: 'tfjs-layers', shoal: '0.1' },
  }
  return { draft, pieces }
}

const answersAreFinite = (runtime: Runtime): Promise<boolean> =>
  runtime.predict([{ dtype: 'float32', shape: [1, 28, 28, 1], data: Float32Array.from(digit(0), (byte) => byte / 255) }]).then(
    () => true,
    () => false,
  )

/** Every tenth digit: what the version is validated on. */
const VALIDATION = Array.from({ length: 1000 }, (_, i) => i * 10)

let validation: ReturnType<typeof validationSet> | undefined

function validationSet(): { data: Float32Array<ArrayBuffer>; features: References } {
  const data = new Float32Array(VALIDATION.length * PIXELS)
  for (const [i, at] of VALIDATION.entries()) for (const [j, byte] of digit(at).entries()) data[i * PIXELS + j] = byte / 255
  const rows = VALIDATION.map((at) => imageFeatures(digit(at), DIGIT))
  return { data, features: Object.fromEntries(IMAGE_FEATURES.map((name) => [name, makeNumericReference(rows.map((row) => row[name]))])) }
}

async function references(runtime: Runtime): Promise<References> {
  const { data, features } = (validation ??= validationSet())
  const count = VALIDATION.length
  const [output] = await runtime.predict([{ dtype: 'float32', shape: [count, 28, 28, 1], data }])
  const values = asNumbers(must(output, 'an output'), 'output').data
  const probabilities = Array.from({ length: count }, (_, i) => Array.from(values.subarray(i * CLASSES, (i + 1) * CLASSES)))
  return {
    ...features,
    prediction: makeCategoricalReference(
      probabilities.map((row) => must(LABELS[row.indexOf(Math.max(...row))], 'a label')),
      { keep: LABELS },
    ),
    confidence: makeNumericReference(probabilities.map((row) => Math.max(...row))),
  }
}
