import { AppError } from '../../core/errors.ts'

const PAGE_BYTES = 65536

/** Hands out addresses, each a multiple of 16, from `base` on; nothing is given back, as all of it is in use at every step. */
export function planMemory(base: number, limit: number) {
  let next = base
  const tables: { readonly address: number; readonly values: readonly number[] }[] = []
  const allocate = (bytes: number): number => {
    const address = next
    next += Math.ceil(bytes / 16) * 16
    if (next > limit) throw new AppError('out_of_memory', `the plan needs more than the ${limit} bytes it may take: use a smaller batch`)
    return address
  }
  return {
    allocate,
    table(values: readonly number[]): number {
      const address = allocate(values.length * 4)
      tables.push({ address, values })
      return address
    },
    /** Writes the tables, once the memory is there. */
    fill(memory: WebAssembly.Memory): void {
      for (const { address, values } of tables) new Int32Array(memory.buffer, address, values.length).set(values)
    },
    get end(): number {
      return next
    },
  }
}

export type PlanMemory = ReturnType<typeof planMemory>

/** Memory of so many bytes, all zeros, that does not grow. Throws out_of_memory where the host gives no more. */
export function makeMemory(bytes: number, shared: boolean): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES)
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared })
  } catch (cause) {
    throw new AppError('out_of_memory', `the host gives no ${bytes} bytes for the plan: use a smaller batch`, { cause })
  }
}
