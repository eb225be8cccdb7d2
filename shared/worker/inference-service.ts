import { must } from '../core/assert.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { BACKENDS, type BackendName, type BackendOptions, computeFingerprint, memoryInUse } from '../compute/backends.ts'
import { loadRuntime, type RuntimeModel } from '../compute/load-runtime.ts'
import type { Runtime } from '../compute/runtime.ts'
import { type BackendChoice, selectBackend } from '../compute/select-backend.ts'
import { runSelfTest } from '../compute/self-test.ts'
import { inputOf, selfTestOf } from '../tensor/golden.ts'
import { asNumbers, type ModelTensor } from '../tensor/model-tensor.ts'
import type { InferenceApi, LoadedModel, LoadModel, ModelAnswer, RunnableManifest } from './inference-api.ts'
import { prepareInput } from './prepare-input.ts'

export type InferenceServiceOptions = BackendOptions & { readonly clock?: Clock }

const sourceOf = ({ manifest, tensors }: LoadModel): RuntimeModel => ({
  format: manifest.requires.runtime,
  topology: manifest.topology,
  tensors,
})

/** What models that take more than one batch of numbers are timed on. */
const goldenInputs = ({ selfTest }: RunnableManifest): ModelTensor[] =>
  selfTestOf(selfTest).inputs.map((input, i) => inputOf(input, `self-test input ${i}`))

/**
 * Inference over shared/compute, for whatever thread runs it: the browser's worker, or the process of a simulation.
 *
 * @example
 * const service = createInferenceService({ wasmPath })
 * const { handle } = await service.load({ manifest, tensors })
 * const { output } = await service.predict(handle, pixels)
 */
export function createInferenceService(defaults: InferenceServiceOptions): InferenceApi {
  const { clock = systemClock } = defaults
  const loaded = new Map<number, { runtime: Runtime; manifest: RunnableManifest }>()
  let next = 1

  /** The runtime on the first of `backends` on which it reproduces its golden outputs. The first call compiles: this is the warm-up too. */
  async function proven(
    model: LoadModel,
    backends: readonly BackendName[],
    options: BackendOptions,
  ): Promise<{ runtime: Runtime; largestDifference: number }> {
    const source = sourceOf(model)
    let why: AppError | undefined
    for (const backend of backends) {
      const runtime = await loadRuntime(source, backend, options)
      const tested = await runSelfTest(runtime, selfTestOf(model.manifest.selfTest))
      if (tested.ok) return { runtime, largestDifference: tested.value.largestDifference }
      runtime.dispose()
      why ??= tested.error
    }
    throw why ?? new AppError('no_backend', 'there is no backend left to run the self-test on')
  }

  async function load(model: LoadModel): Promise<LoadedModel> {
    const start = clock.monotonic()
    const { candidates = BACKENDS, remembered, allowSoftware = defaults.allowSoftware ?? false } = model
    const options: BackendOptions = { ...defaults, allowSoftware }
    const fingerprint = await computeFingerprint()
    const known =
      remembered?.fingerprint === fingerprint && candidates.includes(remembered.backend) ? { remembered: remembered.backend } : {}
    const choice: BackendChoice = await selectBackend({
      ...options,
      clock,
      candidates,
      ...known,
      model: sourceOf(model),
      ...(model.manifest.requires.runtime === 'tfjs-layers' ? {} : { inputs: goldenInputs(model.manifest) }),
    })
    // a driver that computes wrongly must not cost the device the version: what else can run it is tried before it is refused
    const others = candidates.filter((name) => name !== choice.backend && choice.timings[name] !== undefined)
    const { runtime, largestDifference } = await proven(model, [choice.backend, ...others], options)
    const handle = next++
    loaded.set(handle, { runtime, manifest: model.manifest })
    const why =
      runtime.backend === choice.backend ? choice.why : `${choice.backend} failed the self-test, so ${runtime.backend}; ${choice.why}`
    return {
      handle,
      backend: runtime.backend,
      choice: { ...choice, backend: runtime.backend, why },
      fingerprint,
      largestDifference,
      ms: clock.monotonic() - start,
    }
  }

  const held = (handle: number) => {
    const entry = loaded.get(handle)
    if (entry === undefined) throw new AppError('conflict', `model ${handle} is not loaded here: load it again`)
    return entry
  }

  return {
    load,
    async predict(handle, input): Promise<ModelAnswer> {
      const { runtime, manifest } = held(handle)
      const start = clock.monotonic()
      const { tensor, observed } = prepareInput(manifest, input)
      const outputs = await runtime.predict([tensor]).catch((thrown: unknown) => {
        if (thrown instanceof AppError || runtime.backend !== 'webgpu') throw thrown
        throw new AppError('no_backend', `WebGPU stopped answering: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
          cause: thrown,
        })
      })
      return {
        output: Float32Array.from(asNumbers(must(outputs[0], 'an output'), 'output 0').data),
        observed,
        ms: clock.monotonic() - start,
      }
    },
    async unload(handle) {
      loaded.get(handle)?.runtime.dispose()
      loaded.delete(handle)
    },
    async memory() {
      // before the first model there is no backend to ask
      return next === 1 ? { tensors: 0, bytes: 0 } : memoryInUse()
    },
  }
}
