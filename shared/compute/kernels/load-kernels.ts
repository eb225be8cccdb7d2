import { assert } from '../../core/assert.ts'
import { fromBase64 } from '../../core/bytes.ts'
import { AppError } from '../../core/errors.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import type { Kernels } from './kernel-signatures.ts'

/** `relaxed` multiplies and adds in one instruction with one rounding; `simd` runs on every engine that tfjs's WASM backend runs on. */
export const KERNEL_BUILDS = ['relaxed', 'simd'] as const
export type KernelBuild = (typeof KERNEL_BUILDS)[number]

/** Compiled kernels. A structured clone of `module` can be sent to another thread. */
export type KernelModule = { readonly build: KernelBuild; readonly module: WebAssembly.Module }

export type KernelOptions = {
  readonly build?: KernelBuild
  /** Over shared memory, for plans on several threads. */
  readonly shared?: boolean
}

const bytes = (...numbers: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(numbers)
/** Smallest modules that validate where the instructions are known: three splats and a relaxed multiply-add, or one splat. */
const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0]
const SPLAT = [0x41, 0, 0xfd, 0x0f]
const PROBES = {
  relaxed: bytes(...HEADER, 10, 19, 1, 17, 0, ...SPLAT, ...SPLAT, ...SPLAT, 0xfd, 0x85, 0x02, 0x0b),
  simd: bytes(...HEADER, 10, 8, 1, 6, 0, ...SPLAT, 0x0b),
} as const satisfies Record<KernelBuild, Uint8Array<ArrayBuffer>>

export const runsHere = (build: KernelBuild): boolean => WebAssembly.validate(PROBES[build])

/** `env.memory`, imported as a memory with a maximum: the last byte says that it is not shared. */
const MEMORY_IMPORT = [3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 1]
const WITH_MAXIMUM_SHARED = 3

/** The same module over shared memory: one flag of its memory import. */
function overSharedMemory(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = module.findIndex((_, i) => MEMORY_IMPORT.every((byte, j) => module[i + j] === byte))
  assert(at >= 0, 'the kernels import their memory')
  module[at + MEMORY_IMPORT.length - 1] = WITH_MAXIMUM_SHARED
  return module
}

const loaded = new Map<string, Promise<KernelModule>>()

async function load(build: KernelBuild, shared: boolean): Promise<KernelModule> {
  // by name, so that a bundler makes a file of each and a worker fetches only one
  const { WASM } = build === 'relaxed' ? await import('./relaxed-module.ts') : await import('./simd-module.ts')
  const code = fromBase64(WASM)
  return { build, module: await WebAssembly.compile(shared ? overSharedMemory(code) : code) }
}

/** The best build that this host runs, or the one named; compiled once. Fails with no_backend where there is no SIMD. */
export async function loadKernels(options: KernelOptions = {}): Promise<Result<KernelModule>> {
  const { build = KERNEL_BUILDS.find(runsHere), shared = false } = options
  if (build === undefined || !runsHere(build)) return fail(new AppError('no_backend', 'this host runs no WASM SIMD'))
  const key = `${build} ${shared}`
  const running = loaded.get(key) ?? load(build, shared)
  loaded.set(key, running)
  try {
    return ok(await running)
  } catch (cause) {
    loaded.delete(key)
    return fail(new AppError('no_backend', `the ${build} kernels did not compile`, { cause }))
  }
}

/** The kernels over a memory of their own. */
export const instantiateKernels = ({ module }: KernelModule, memory: WebAssembly.Memory): Kernels =>
  new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels
