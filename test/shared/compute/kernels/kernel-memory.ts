import { instantiateKernels, type KernelBuild, loadKernels } from '../../../../shared/compute/kernels/load-kernels.ts'
import type { Kernels } from '../../../../shared/compute/kernels/kernel-signatures.ts'
import { type Random, seededRandom } from '../../../../shared/core/random.ts'
import { unwrap } from '../../../../shared/core/result.ts'

/** Kernels over a memory of their own, where arrays are put and read back. */
export type KernelMemory = {
  readonly kernels: Kernels
  /** Address of a copy. */
  put(values: ArrayLike<number>): number
  table(values: readonly number[]): number
  /** Address of room for this many floats, filled with NaN: what a kernel should write and does not, shows. */
  room(floats: number): number
  read(address: number, floats: number): Float32Array
}

const PAGES = 64

export async function kernelMemory(build: KernelBuild): Promise<KernelMemory> {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: 65536 })
  const kernels = instantiateKernels(unwrap(await loadKernels(build)), memory)
  const room = (next: { at: number }, floats: number): number => {
    const address = next.at
    next.at += Math.ceil(floats / 4) * 16 + 64
    if (next.at > memory.buffer.byteLength) throw new Error('the test needs more memory')
    new Float32Array(memory.buffer, address, floats).fill(Number.NaN)
    return address
  }
  const next = { at: 1024 }
  // a fresh start for each case: properties run many
  const restart = (): void => {
    if (next.at > memory.buffer.byteLength / 2) next.at = 1024
  }
  return {
    kernels,
    put(values) {
      restart()
      const address = room(next, values.length)
      new Float32Array(memory.buffer, address, values.length).set(values)
      return address
    },
    table(values) {
      const address = room(next, values.length)
      new Int32Array(memory.buffer, address, values.length).set(values)
      return address
    },
    room: (floats) => room(next, floats),
    read: (address, floats) => new Float32Array(memory.buffer, address, floats).slice(),
  }
}

export const uniform = (random: Random, length: number): Float32Array => Float32Array.from({ length }, () => random.uniform() * 2 - 1)

export const values = (seed: number, length: number): Float32Array => uniform(seededRandom(seed), length)

/** Largest difference, relative to the largest value wanted (at least 1). */
export function distance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [most, scale] = [0, 1]
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs((got[i] as number) - (want[i] as number))
    // a NaN stays
    most = difference <= most ? most : difference
    scale = Math.max(scale, Math.abs(want[i] as number))
  }
  return most / scale
}
