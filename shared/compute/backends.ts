import { AppError } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { beginLife, type BackendLife, lasting } from './backend-life.ts'
import type { OnnxFiles } from './onnx-module.ts'
import { type BackendWasm, enableProdMode, engine, env, findBackend, getBackend, setBackend, setWasmPaths, version_core } from './tf.ts'
import { repairCpuResizeGradients } from './cpu-resize-gradients.ts'
import { repairGradients } from './gradient-repairs.ts'
import { registerWasmKernels } from './wasm-kernels.ts'
import { guardWasmMemory } from './wasm-memory.ts'
import { forgetWebgpu, gpuAdapter, startWebgpu } from './webgpu-backend.ts'

export const BACKENDS = ['webgpu', 'wasm', 'cpu'] as const
export type BackendName = (typeof BACKENDS)[number]

export type BackendOptions = {
  /** Where tfjs-backend-wasm-simd.wasm is: a URL in a browser, a file path in Node. */
  readonly wasmPath?: string
  /** Lets WebGPU run on a software adapter. It is slower than WASM: for tests of function only. */
  readonly allowSoftware?: boolean
  /** Where onnxruntime is. Without it no ONNX model runs here. */
  readonly onnx?: OnnxFiles
}

/** What a remembered backend choice is keyed by, beside the model's digest: the runtime's version and the GPU adapter. */
export async function computeFingerprint(): Promise<string> {
  const adapter = await gpuAdapter()
  const host = globalThis as { process?: { version?: string }; navigator?: { userAgent?: string } }
  return `tfjs ${version_core}; gpu ${adapter?.name ?? 'none'}; ${host.process?.version ?? host.navigator?.userAgent ?? 'unknown host'}`
}

type ListenerHost = { listeners(event: string): unknown[]; off(event: string, listener: unknown): void }

/** Emscripten's start-up code hooks the Node process and rethrows whatever nobody caught; a host that runs servers must not inherit that. */
async function withoutProcessHooks<T>(start: () => Promise<T>): Promise<T> {
  const host = (globalThis as { process?: Partial<ListenerHost> }).process
  if (typeof host?.listeners !== 'function' || typeof host.off !== 'function') return start()
  const { listeners, off } = host as ListenerHost
  const events = ['uncaughtException', 'unhandledRejection']
  const before = new Map(events.map((event) => [event, new Set(listeners.call(host, event))]))
  try {
    return await start()
  } finally {
    for (const event of events) {
      for (const listener of listeners.call(host, event)) if (!before.get(event)?.has(listener)) off.call(host, event, listener)
    }
  }
}

let wasmPathInUse: string | undefined

async function startWasm(options: BackendOptions): Promise<void> {
  const path = options.wasmPath
  if (path === undefined) throw new AppError('no_backend', 'the WASM backend needs wasmPath, the place of tfjs-backend-wasm-simd.wasm')
  // one thread: the same seed then gives the same bits, and no cross-origin isolation is needed
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  if (!(await env().getAsync('WASM_HAS_SIMD_SUPPORT'))) throw new AppError('no_backend', 'this host runs no WASM SIMD')
  // not again for the same path: after a download that failed, tfjs takes no path any more, but does try again
  if (path !== wasmPathInUse)
    setWasmPaths({ 'tfjs-backend-wasm.wasm': path, 'tfjs-backend-wasm-simd.wasm': path, 'tfjs-backend-wasm-threaded-simd.wasm': path })
  wasmPathInUse = path
  registerWasmKernels()
  await withoutProcessHooks(async () => {
    if (!(await setBackend('wasm'))) throw new AppError('no_backend', `the WASM backend did not start from ${path}`)
  })
  guardWasmMemory(findBackend('wasm') as BackendWasm)
}

const lives = new Map<BackendName, BackendLife>()

/** The present life of a backend that was started. */
export const lifeOf = (name: BackendName): BackendLife => lives.get(name) ?? lasting

/** WebGPU, watched: when its device is lost, whoever waits hears of it, and the next start is a fresh one on a fresh adapter. */
async function startWatched(options: BackendOptions): Promise<void> {
  const { life, end, fault } = beginLife()
  lives.set('webgpu', life)
  // before anybody else hears of it, who may want to start again
  life.onLost(() => {
    if (lives.get('webgpu') !== life) return
    started.delete('webgpu')
    forgetWebgpu()
  })
  await startWebgpu(options, { onFault: fault, onLost: end })
}

const started = new Map<BackendName, Promise<Result<BackendName>>>()

/** Starts a backend, once per process; it is the current one afterwards. Fails with no_backend and the reason. */
export async function startBackend(name: BackendName, options: BackendOptions = {}): Promise<Result<BackendName>> {
  const running = started.get(name)
  if (running !== undefined) {
    const result = await running
    if (result.ok) useBackend(name)
    return result
  }
  const start = async (): Promise<Result<BackendName>> => {
    try {
      // no advertisement for other backends on the console
      enableProdMode()
      repairGradients()
      if (name === 'wasm') await startWasm(options)
      else if (name === 'webgpu') await startWatched(options)
      else {
        repairCpuResizeGradients()
        await setBackend('cpu')
      }
      return ok(name)
    } catch (thrown) {
      // another try may come with another path, or after the adapter is back
      started.delete(name)
      if (thrown instanceof AppError) return fail(thrown)
      const why = thrown instanceof Error ? thrown.message : String((thrown as { message?: unknown } | null)?.message ?? thrown)
      return fail(new AppError('no_backend', `${name} did not start: ${why}`, { cause: thrown }))
    }
  }
  const starting = start()
  started.set(name, starting)
  const result = await starting
  if (!result.ok) started.delete(name)
  return result
}

/** Makes a started backend the current one, at once: tensors made from here on live there. */
export function useBackend(name: BackendName): void {
  if (getBackend() === name) return
  const lost = lives.get(name)?.lost
  if (lost !== undefined) throw lost
  if (findBackend(name) === null) throw new AppError('no_backend', `${name} has not been started`)
  // for a backend that runs already, everything up to the promise happens before this call returns
  void setBackend(name)
}

/** Tensors and bytes alive in this process, on all backends. */
export function memoryInUse(): { tensors: number; bytes: number } {
  // asked before anything was started (trees need no backend), tfjs would start one of its own choice
  if (started.size === 0) return { tensors: 0, bytes: 0 }
  const { numTensors, numBytes } = engine().memory()
  return { tensors: numTensors, bytes: numBytes }
}
