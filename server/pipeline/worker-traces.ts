import { basename } from 'node:path'
import { clearTimeout as endTimer, setTimeout as startTimer } from 'node:timers'
import { setTimeout as wait, setImmediate as turn } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'

/** After so many steps a worker is replaced: each leaves its module instance behind. */
const MAX_STEPS = 50
/** Memory that a worker may hold between two steps, of which the next one's limit is hardly touched. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024
/** Memory that the whole process may hold between two steps, with what native code has left in it; with more, it is not used again. */
export const MAX_PROCESS_BYTES = 512 * 1024 * 1024
/** DuckDB, which most steps use: what it holds is an instance's, and ends with it. Another native library may hold anything. */
const KEPT_LIBRARY = 'duckdb.node'
/** How long the looking waits, in milliseconds: it takes a core for a while, which the step's result needs on its way out, and then the next step on its way in, about 3 ms. */
const LOOK_AFTER_MS = 4
/** Reading these warns. */
const UNREAD = new Set(['localStorage', 'sessionStorage'])

type Shape = { readonly of: object; readonly properties: ReadonlyMap<string | symbol, PropertyDescriptor> }

const shapeOf = (of: object): Shape => ({
  of,
  properties: new Map(Reflect.ownKeys(of).map((key) => [key, Object.getOwnPropertyDescriptor(of, key) as PropertyDescriptor])),
})

const isObject = (value: unknown): value is object => (typeof value === 'object' && value !== null) || typeof value === 'function'

/** The global object, what its properties are, and the prototypes of its classes: everything that code can change for all others. */
function globalShapes(): Shape[] {
  const found = new Set<object>([globalThis])
  for (const key of Reflect.ownKeys(globalThis)) {
    if (UNREAD.has(String(key)) || key === 'process') continue
    // read, because Node replaces many of its own getters by their value at first use
    const value: unknown = (globalThis as Record<PropertyKey, unknown>)[key]
    if (!isObject(value)) continue
    found.add(value)
    const prototype: unknown = typeof value === 'function' ? value.prototype : Object.getPrototypeOf(value)
    if (isObject(prototype)) found.add(prototype)
  }
  return [...found].map(shapeOf)
}

function changeOf({ of, properties }: Shape): string | symbol | undefined {
  const keys = Reflect.ownKeys(of)
  for (const key of keys) {
    const [before, now] = [properties.get(key), Object.getOwnPropertyDescriptor(of, key)]
    if (before === undefined || now === undefined) return key
    if (!Object.is(before.value, now.value) || before.get !== now.get || before.set !== now.set) return key
  }
  return keys.length === properties.size ? undefined : [...properties.keys()].find((key) => !keys.includes(key))
}

const resources = (): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

const listeners = (): number => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)

/**
 * Remembers this thread as it is now and says later what a step has left behind in it: changed globals, timers and open handles, native
 * libraries but DuckDB, libraries that keep themselves in a global (tfjs), output on its way, environment variables, much memory. Native
 * libraries, unreferenced timers and output cannot be looked up afterwards: their makers are watched.
 */
export function watchTraces(): { found(steps: number): Promise<string | undefined> } {
  let seen: string | undefined
  const notice = (owner: object, method: string, what: string) => {
    const original = Reflect.get(owner, method) as (...args: unknown[]) => unknown
    Reflect.set(owner, method, function (this: unknown, ...args: unknown[]) {
      seen = what
      return original.apply(this, args)
    })
  }
  const timer = startTimer(() => {}, 1)
  notice(Object.getPrototypeOf(timer) as object, 'unref', 'it made a timer that nothing waits for')
  endTimer(timer)
  const load = Reflect.get(process, 'dlopen') as (target: object, file: string, flags?: number) => void
  Reflect.set(process, 'dlopen', (target: object, file: string, ...flags: [number?]) => {
    if (basename(file) !== KEPT_LIBRARY) seen = `it loaded the native library ${basename(file)}`
    load.call(process, target, file, ...flags)
  })
  notice(process.stdout, 'write', 'it wrote to its standard output')
  notice(process.stderr, 'write', 'it wrote to its standard output')

  const shapes = globalShapes()
  const environment = JSON.stringify(process.env)
  const heard = listeners()
  const open = new Map([['MessagePort', 1]])

  /** Turns of the event loop in which what is already closed goes away. */
  const settle = async () => {
    for (let i = 0; i < 3; i++) await turn()
  }
  return {
    async found(steps) {
      await wait(LOOK_AFTER_MS)
      await settle()
      if (seen !== undefined) return seen
      if (steps >= MAX_STEPS) return `it has done ${steps} steps`
      const { used_heap_size, external_memory } = getHeapStatistics()
      if (used_heap_size + external_memory > MAX_KEPT_BYTES) return 'it holds much memory'
      if (process.memoryUsage.rss() > MAX_PROCESS_BYTES) return 'its process holds much memory'
      for (const [kind, count] of resources()) if (count > (open.get(kind) ?? 0)) return `it left a ${kind} open`
      if (listeners() !== heard) return 'it left a listener on the process'
      if (JSON.stringify(process.env) !== environment) return 'it changed an environment variable'
      for (const shape of shapes) {
        const key = changeOf(shape)
        if (key !== undefined) return `it changed the global ${String(key)}`
      }
      return undefined
    },
  }
}
