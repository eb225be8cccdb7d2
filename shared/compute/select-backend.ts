import { type Clock, systemClock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import type { ModelTensor } from '../tensor/model-tensor.ts'
import { ok } from '../core/result.ts'
import { BYTES_PER_VALUE, type Dtype, isDtype, shapeMismatch, sizeOf, type TensorData } from '../tensor/tensor.ts'
import { BACKENDS, type BackendName, type BackendOptions, useBackend } from './backends.ts'
import { checkParity } from './parity.ts'
import { loadRuntime, type RuntimeModel } from './load-runtime.ts'
import type { TensorSpec } from './runtime.ts'

/** Milliseconds: of the first prediction, with compilation, and the median of those after it. */
export type BackendTiming = { readonly first: number; readonly median: number }

export type BackendChoice = {
  readonly backend: BackendName
  /** Of each backend that was measured. Empty when a remembered choice was taken. */
  readonly timings: Readonly<Partial<Record<BackendName, BackendTiming>>>
  /** Why each other candidate is out of the question here. */
  readonly skipped: Readonly<Partial<Record<BackendName, string>>>
  /** One sentence for people. */
  readonly why: string
}

export type SelectOptions = BackendOptions & {
  readonly model: RuntimeModel
  /** What the candidates are timed on, one tensor per input: models whose inputs are more than a batch of one size need it. One example of zeros where left out. */
  readonly inputs?: readonly ModelTensor[]
  readonly candidates?: readonly BackendName[]
  /** An earlier choice under the same model digest and computeFingerprint(). Taken without measuring if it still passes the parity check. */
  readonly remembered?: BackendName
  readonly clock?: Clock
}

const WARM_RUNS = 5

/** Enough time spent on one candidate, in milliseconds: a slow one need not finish its runs. */
const TIME_LIMIT = 300

/** One example of zeros for an input. */
function emptyInput(spec: TensorSpec): TensorData {
  if (!isDtype(spec.dtype)) throw shapeMismatch(spec.name, `one of ${Object.keys(BYTES_PER_VALUE).join(', ')}`, spec.dtype)
  const dtype: Dtype = spec.dtype
  const shape = spec.shape.map((dimension) => dimension ?? 1)
  const data =
    dtype === 'float32'
      ? new Float32Array(sizeOf(shape))
      : dtype === 'int32'
        ? new Int32Array(sizeOf(shape))
        : new Uint8Array(sizeOf(shape))
  return { dtype, shape, data }
}

async function measure(backend: BackendName, options: SelectOptions, clock: Clock): Promise<BackendTiming> {
  const runtime = await loadRuntime(options.model, backend, options)
  try {
    const inputs = options.inputs ?? runtime.inputs.map(emptyInput)
    const time = async () => {
      const start = clock.monotonic()
      await runtime.predict(inputs)
      return clock.monotonic() - start
    }
    const first = await time()
    const warm: number[] = []
    for (let spent = first; warm.length === 0 || (warm.length < WARM_RUNS && spent < TIME_LIMIT); spent += warm.at(-1) ?? 0)
      warm.push(await time())
    warm.sort((a, b) => a - b)
    return { first, median: warm[warm.length >> 1] ?? first }
  } finally {
    runtime.dispose()
  }
}

/** onnxruntime has no gradients to compare; what it computes is proven by the model's own self-test. */
const proves = (backend: BackendName, options: SelectOptions): ReturnType<typeof checkParity> =>
  options.model.format === 'onnx' ? Promise.resolve(ok({ distance: 0 })) : checkParity(backend, options)

/**
 * The fastest backend for this model here, by measurement; it is current afterwards. A backend that does not start, differs from the CPU
 * backend or cannot run the model is left out. Throws no_backend with every reason when none is left.
 */
export async function selectBackend(options: SelectOptions): Promise<BackendChoice> {
  const { candidates = BACKENDS, remembered, clock = systemClock } = options
  const skipped: Partial<Record<BackendName, string>> = {}
  if (remembered !== undefined && candidates.includes(remembered)) {
    const parity = await proves(remembered, options)
    if (parity.ok) {
      return { backend: remembered, timings: {}, skipped, why: `${remembered} was the fastest when it was measured here before` }
    }
    skipped[remembered] = parity.error.detail
  }
  const timings: Partial<Record<BackendName, BackendTiming>> = {}
  for (const backend of candidates) {
    if (skipped[backend] !== undefined) continue
    try {
      const parity = await proves(backend, options)
      if (parity.ok) timings[backend] = await measure(backend, options, clock)
      else skipped[backend] = parity.error.detail
    } catch (thrown) {
      skipped[backend] = thrown instanceof Error ? thrown.message : String(thrown)
    }
  }
  const measured = candidates.flatMap((backend) => (timings[backend] === undefined ? [] : [{ backend, ...timings[backend] }]))
  const best = measured.reduce<(typeof measured)[number] | undefined>((a, b) => (a === undefined || b.median < a.median ? b : a), undefined)
  const reasons = Object.entries(skipped).map(([backend, why]) => `${backend}: ${why}`)
  if (best === undefined) throw new AppError('no_backend', `no backend can run this model here: ${reasons.join('; ')}`)
  if (options.model.format !== 'onnx') useBackend(best.backend)
  const others = measured
    .filter(({ backend }) => backend !== best.backend)
    .map(({ backend, median }) => `${backend} ${median.toFixed(2)} ms`)
  const why = `${best.backend} answers in ${best.median.toFixed(2)} ms${others.length > 0 ? `, ${others.join(', ')}` : ''}${reasons.length > 0 ? `; not used: ${reasons.join('; ')}` : ''}`
  return { backend: best.backend, timings, skipped, why }
}
