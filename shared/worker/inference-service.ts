import { must } from '../core/assert.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { type BackendOptions, computeFingerprint, memoryInUse } from '../compute/backends.ts'
import { chooseRuntime } from '../compute/choose-runtime.ts'
import { type LatencyWatch, latencyWatch } from '../compute/latency-watch.ts'
import type { RuntimeModel } from '../compute/load-runtime.ts'
import type { Runtime } from '../compute/runtime.ts'
import { runSelfTest } from '../compute/self-test.ts'
import { selfTestOf } from '../tensor/golden.ts'
import { asNumbers, type ModelTensor } from '../tensor/model-tensor.ts'
import { exampleOf } from './example-of.ts'
import type { InferenceApi, LoadedModel, LoadModel, ModelAnswer, ModelInput, RunnableManifest } from './inference-api.ts'
import { prepareInput } from './prepare-input.ts'
import { prepareTensors, takesTensors } from './prepare-tensors.ts'

type Loaded = { readonly runtime: Runtime; readonly manifest: RunnableManifest; readonly watch: LatencyWatch | undefined }

export type InferenceServiceOptions = BackendOptions & { readonly clock?: Clock }

const sourceOf = ({ manifest, tensors }: LoadModel): RuntimeModel => ({
  format: manifest.requires.runtime,
  topology: manifest.topology,
  tensors,
})

function prepare(manifest: RunnableManifest, input: ModelInput): { tensors: ModelTensor[]; observed: ModelAnswer['observed'] } {
  if (takesTensors(manifest)) return { tensors: prepareTensors(manifest, input), observed: {} }
  const { tensor, observed } = prepareInput(manifest, input)
  return { tensors: [tensor], observed }
}

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
  const loaded = new Map<number, Loaded>()
  /** Whoever waits for a loss, by model. */
  const unloading = new Map<number, () => void>()
  let next = 1

  async function load(model: LoadModel): Promise<LoadedModel> {
    const start = clock.monotonic()
    const { manifest, remembered, candidates, demoted, incumbent, allowSoftware = defaults.allowSoftware ?? false } = model
    const fingerprint = await computeFingerprint()
    const selfTest = selfTestOf(manifest.selfTest)
    const { runtime, choice, proof } = await chooseRuntime({
      ...defaults,
      allowSoftware,
      clock,
      model: sourceOf(model),
      inputs: exampleOf(manifest),
      // a driver that computes wrongly must not cost the device the version: what else can run it is tried before it is refused
      prove: (tried) => runSelfTest(tried, selfTest),
      ...(candidates === undefined ? {} : { candidates }),
      ...(incumbent === undefined ? {} : { incumbent }),
      ...(demoted?.fingerprint === fingerprint ? { excluded: { webgpu: demoted.why } } : {}),
      ...(remembered?.fingerprint === fingerprint ? { remembered: remembered.choice } : {}),
    })
    const handle = next++
    const expected = choice.timings[choice.candidate]?.median
    loaded.set(handle, { runtime, manifest, watch: expected === undefined ? undefined : latencyWatch(expected) })
    const largestDifference = proof?.largestDifference ?? 0
    return { handle, backend: runtime.backend, choice, fingerprint, largestDifference, ms: clock.monotonic() - start }
  }

  const held = (handle: number) => {
    const entry = loaded.get(handle)
    if (entry === undefined) throw new AppError('conflict', `model ${handle} is not loaded here: load it again`)
    return entry
  }

  return {
    load,
    async predict(handle, input): Promise<ModelAnswer> {
      const { runtime, manifest, watch } = held(handle)
      const start = clock.monotonic()
      const { tensors, observed } = prepare(manifest, input)
      const asked = clock.monotonic()
      const answers = await runtime.predict(tensors)
      const end = clock.monotonic()
      const output = Float32Array.from(manifest.labels.length === 0 ? [] : asNumbers(must(answers[0], 'an output'), 'output 0').data)
      const outputs = Object.fromEntries(manifest.signature.outputs.map(({ name }, i) => [name, must(answers[i], name)]))
      return { output, outputs, observed, ms: end - start, ...(watch?.add(end - asked) === true ? { drifted: true } : {}) }
    },
    lost(handle) {
      const entry = held(handle)
      return new Promise((resolve) => {
        const stop = entry.runtime.life.onLost(({ detail }) => resolve({ why: detail }))
        unloading.set(handle, () => {
          stop()
          resolve(null)
        })
      })
    },
    async unload(handle) {
      unloading.get(handle)?.()
      unloading.delete(handle)
      loaded.get(handle)?.runtime.dispose()
      loaded.delete(handle)
    },
    async memory() {
      // before the first model there is no backend to ask
      const total = next === 1 ? { tensors: 0, bytes: 0 } : memoryInUse()
      // each engine beside tfjs counts what all of its models hold
      const others = new Map([...loaded.values()].map(({ runtime }) => [runtime.engine, runtime]))
      for (const [engine, runtime] of others) {
        if (engine === 'tfjs') continue
        const { tensors, bytes } = runtime.memory()
        total.tensors += tensors
        total.bytes += bytes
      }
      return total
    },
  }
}
