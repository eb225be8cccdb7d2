import type * as Ort from 'onnxruntime-web'
import { AppError } from '../core/errors.ts'
import type { BackendName, BackendOptions } from './backends.ts'
import { gpuAdapter } from './webgpu-backend.ts'

/** Where onnxruntime's WASM modules are. They are loaded with the first ONNX model. */
export type OnnxFiles = {
  /** The one for WASM alone: a URL in a browser, its bytes in Node. */
  readonly wasm: string | (() => Promise<Uint8Array<ArrayBuffer>>)
  /** The one that also computes on WebGPU. */
  readonly webgpu?: string
}

export type OrtModule = Pick<typeof Ort, 'InferenceSession' | 'Tensor' | 'env'>

async function load(files: OnnxFiles, kind: 'wasm' | 'webgpu'): Promise<OrtModule> {
  const ort: OrtModule = kind === 'webgpu' ? await import('onnxruntime-web/jspi') : await import('onnxruntime-web/wasm')
  const { wasm } = ort.env
  // one thread: the same input gives the same bits, and no cross-origin isolation is needed
  wasm.numThreads = 1
  ort.env.logLevel = 'fatal'
  const place = kind === 'webgpu' ? files.webgpu : files.wasm
  if (typeof place === 'string') wasm.wasmPaths = { wasm: place }
  else if (place !== undefined) wasm.wasmBinary = (await place()).buffer
  return ort
}

const modules = new Map<'wasm' | 'webgpu', Promise<OrtModule>>()

function once(files: OnnxFiles, kind: 'wasm' | 'webgpu'): Promise<OrtModule> {
  const known = modules.get(kind)
  if (known !== undefined) return known
  const loading = load(files, kind).catch((cause: unknown) => {
    // another try may find the network back
    modules.delete(kind)
    throw new AppError('no_backend', `onnxruntime could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  })
  modules.set(kind, loading)
  return loading
}

/** Without it the WebGPU module would need a build that is 10 MB larger and slower. Chromium has it from version 137 on. */
const canSwitchStacks = (): boolean => 'Suspending' in WebAssembly

/**
 * The module that computes on this backend. A page that can use WebGPU gets one module for both, so that comparing them does not download two.
 * Throws no_backend with the reason.
 */
export async function onnxModule(backend: BackendName, options: BackendOptions): Promise<OrtModule> {
  if (backend === 'cpu') throw new AppError('no_backend', 'onnxruntime computes on WebGPU or WASM')
  const { onnx: files } = options
  if (files === undefined) throw new AppError('no_backend', 'this host has no onnxruntime: pass `onnx`, the place of its modules')
  const adapter = files.webgpu === undefined ? undefined : await gpuAdapter()
  const usable = adapter !== undefined && (!adapter.software || options.allowSoftware === true) && canSwitchStacks()
  if (backend === 'wasm') return once(files, usable ? 'webgpu' : 'wasm')
  if (adapter === undefined) throw new AppError('no_backend', 'there is no WebGPU adapter')
  if (!usable)
    throw new AppError(
      'no_backend',
      canSwitchStacks()
        ? `the WebGPU adapter ${adapter.name} is software`
        : 'this browser cannot switch WebAssembly stacks (JSPI), which onnxruntime needs for WebGPU',
    )
  return once(files, 'webgpu')
}
