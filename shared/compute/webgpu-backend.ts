import { AppError } from '../core/errors.ts'
import { engine, env, findBackend, registerBackend, removeBackend, setBackend, type Tensor } from './tf.ts'

/** A GPU adapter: `vendor/architecture`, and whether it is software. */
export type FoundAdapter = { readonly name: string; readonly software: boolean; readonly adapter: GPUAdapter }

/** The GPU adapter of this host; undefined without one, whatever `navigator.gpu` says. */
export async function gpuAdapter(): Promise<FoundAdapter | undefined> {
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)
  if (adapter === null || adapter === undefined) return undefined
  const info = adapter.info as Partial<GPUAdapterInfo> | undefined
  const [vendor, architecture] = [info?.vendor ?? 'unknown', info?.architecture ?? 'unknown']
  // where the flag stands has changed with the years
  const software = info?.isFallbackAdapter ?? (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter ?? false
  return { name: `${vendor}/${architecture}`, software: software || architecture === 'swiftshader', adapter }
}

/** What tfjs's kernels make use of. */
const LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
] as const

export type WebgpuEvents = { onLost(error: AppError): void; onFault(error: AppError): void }

/**
 * Starts tfjs's WebGPU backend on a device of our own, since tfjs's neither notices a loss nor can be started again after one. Throws no_backend.
 */
export async function startWebgpu(options: { readonly allowSoftware?: boolean }, events: WebgpuEvents): Promise<void> {
  const found = await gpuAdapter()
  if (found === undefined) throw new AppError('no_backend', 'there is no WebGPU adapter')
  const { name, software, adapter } = found
  if (software && options.allowSoftware !== true) throw new AppError('no_backend', `the WebGPU adapter ${name} is software`)
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu')
  const device = await adapter.requestDevice({
    requiredFeatures: adapter.features.has('timestamp-query') ? ['timestamp-query'] : [],
    requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]])),
  })
  forgetWebgpu()
  registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info))
  if (!(await setBackend('webgpu'))) throw new AppError('no_backend', `WebGPU did not start on ${name}`)
  void device.lost.then(({ reason, message }) => events.onLost(deviceLost(`${reason}, ${message || 'no reason given'}`)))
  device.addEventListener('uncapturederror', ({ error }) => {
    if (error instanceof GPUOutOfMemoryError)
      events.onFault(new AppError('out_of_memory', `the GPU has not enough memory for this model and batch: ${error.message}`))
  })
}

export const deviceLost = (why: string): AppError => new AppError('device_lost', `the GPU device was lost: ${why}`)

/** Unregisters the backend. What lay on it is gone. */
export function forgetWebgpu(): void {
  // importing the package registers a factory of its own
  if (engine().findBackendFactory('webgpu') !== null) removeBackend('webgpu')
}

let compiling: Promise<unknown> = Promise.resolve()

/** Resolves when no pipeline is being compiled: until then, those of a model may not be run. */
export const pipelinesCompiled = (): Promise<unknown> => compiling

/**
 * Compiles the pipelines that a computation needs, beside each other and off this thread, without computing anything: what `run` gives is zeros and is disposed
 * of. Without it the first prediction compiles one pipeline after the other, and stalls for a second and more.
 */
export function compileAhead(run: () => readonly Tensor[]): Promise<unknown> {
  const backend = findBackend('webgpu') as unknown as { checkCompileCompletionAsync(): Promise<void> }
  env().set('WEBGPU_ENGINE_COMPILE_ONLY', true)
  try {
    for (const tensor of run()) tensor.dispose()
  } finally {
    env().set('WEBGPU_ENGINE_COMPILE_ONLY', false)
  }
  const before = compiling
  const mine = before.then(() => backend.checkCompileCompletionAsync())
  compiling = mine.catch(() => undefined)
  return mine
}
