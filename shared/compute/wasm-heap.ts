import { type BackendWasm, type KernelConfig, type KernelFunc, registerKernel, type TensorInfo, unregisterKernel } from './tf.ts'

type Attributes = Parameters<KernelFunc>[0]['attrs']

/** A kernel that we put in place of a missing or slow one of the WASM backend. */
export type WasmKernel = (inputs: Readonly<Record<string, TensorInfo>>, attrs: Record<string, unknown>, backend: BackendWasm) => TensorInfo

/** A view of a tensor on the WASM heap. The next allocation may move the heap: allocate outputs first, take views after. */
export function heapF32(backend: BackendWasm, info: TensorInfo): Float32Array {
  return backend.typedArrayFromHeap({ dataId: info.dataId, shape: info.shape, dtype: 'float32' }) as Float32Array
}

export function heapI32(backend: BackendWasm, info: TensorInfo): Int32Array {
  return backend.typedArrayFromHeap({ dataId: info.dataId, shape: info.shape, dtype: 'int32' }) as Int32Array
}

export const release = (backend: BackendWasm, ...infos: TensorInfo[]): void => {
  for (const info of infos) backend.disposeData(info.dataId)
}

/** Runs a kernel of the backend's own on bare tensor infos: no tape, no engine bookkeeping; the caller releases the output. */
export function runStock(
  config: KernelConfig,
  backend: BackendWasm,
  inputs: Record<string, TensorInfo>,
  attrs: Record<string, unknown>,
): TensorInfo {
  return config.kernelFunc({ inputs, backend, attrs: attrs as NonNullable<Attributes> }) as TensorInfo
}

/** Registers a kernel for the WASM backend, in place of a stock one of the same name when there is one (whose set-up is kept). */
export function putKernel(kernelName: string, stock: KernelConfig | undefined, kernel: WasmKernel): void {
  if (stock !== undefined) unregisterKernel(kernelName, 'wasm')
  registerKernel({
    kernelName,
    backendName: 'wasm',
    ...(stock?.setupFunc === undefined ? {} : { setupFunc: stock.setupFunc }),
    ...(stock?.disposeFunc === undefined ? {} : { disposeFunc: stock.disposeFunc }),
    kernelFunc: ({ inputs, attrs, backend }) =>
      kernel(inputs as Record<string, TensorInfo>, (attrs ?? {}) as Record<string, unknown>, backend as BackendWasm),
  })
}
