import { AppError } from '../core/errors.ts'
import { describe } from '../tensor/tensor.ts'
import type { BackendWasm } from './tf.ts'

/** What 32 bits address. */
const ADDRESSED = 2 ** 32

type EmscriptenMemory = { _malloc(bytes: number): number; readonly HEAPU8: Uint8Array }

class NoRoom extends Error {
  override readonly name = 'NoRoom'
}

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

/**
 * Lets a tensor for which the WASM memory has no room fail with out_of_memory, naming it. tfjs goes on with the address 0 that its allocator then answers,
 * where the module keeps its own state: the kernel overwrites that, and every later one aborts, whatever model it belongs to.
 */
export function guardWasmMemory(backend: BackendWasm): void {
  const wasm = backend.wasm as typeof backend.wasm & EmscriptenMemory
  let allocate = wasm._malloc
  const guarded = (bytes: number): number => {
    // a larger size would be taken modulo this
    const at = bytes < ADDRESSED ? allocate(bytes) : 0
    if (at === 0 && bytes > 0) throw new NoRoom(`${bytes}`)
    return at
  }
  // when it is first called, the module's start-up code replaces it by the function that it leads to
  Object.defineProperty(wasm, '_malloc', { get: () => guarded, set: (replaced: typeof allocate) => void (allocate = replaced) })
  const move = backend.move.bind(backend)
  backend.move = (dataId, values, shape, dtype, references) => {
    try {
      move(dataId, values, shape, dtype, references)
    } catch (thrown) {
      if (!(thrown instanceof NoRoom)) throw thrown
      const name = describe({ dtype, shape })
      const what = `takes ${mib(Number(thrown.message))}, for which the WASM memory of ${mib(wasm.HEAPU8.buffer.byteLength)} has no room and does not grow`
      throw new AppError('out_of_memory', `a tensor ${name} ${what}`, { issues: [{ where: name, what }], cause: thrown })
    }
  }
}
