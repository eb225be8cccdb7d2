import { afterEach, expect, test, vi } from 'vitest'
import { manualClock, systemClock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import { connectWorker, type WorkerConnection, type WorkerLike } from '../../shared/worker/connect-worker.ts'
import { serveWorker } from '../../shared/worker/serve-worker.ts'

type Api = {
  double(values: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>>
  refuse(): Promise<void>
  hang(): Promise<void>
  calls(): Promise<number>
}

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A worker on the other side of a real message channel: values are cloned and moved as between threads. */
function makeWorker({ protocol = 1 } = {}) {
  const { port1, port2 } = new MessageChannel()
  let calls = 0
  const api: Api = {
    async double(values) {
      calls++
      return values.map((value) => value * 2)
    },
    async refuse() {
      throw new AppError('shape_mismatch', 'not like this', { issues: [{ where: 'input', what: 'too short' }] })
    },
    hang: () => new Promise(() => undefined),
    async calls() {
      return calls
    },
  }
  serveWorker(api, { protocol, endpoint: port2 as never })
  const listeners = new Set<(event: { message: string }) => void>()
  const worker = {
    postMessage: (message: unknown, transfer: never[] = []) => port1.postMessage(message, transfer),
    addEventListener: (type: string, listener: never) =>
      type === 'error' ? void listeners.add(listener) : port1.addEventListener(type, listener),
    removeEventListener: (type: string, listener: never) => port1.removeEventListener(type, listener),
    start: () => port1.start(),
    terminate: () => {
      port1.close()
      port2.close()
    },
  }
  ends.push(worker.terminate)
  return { worker: worker as unknown as WorkerLike, crash: () => listeners.forEach((listener) => listener({ message: 'out of memory' })) }
}

function connected(options: { protocol?: number; clock?: typeof systemClock } = {}) {
  const workers: ReturnType<typeof makeWorker>[] = []
  const connection: WorkerConnection<Api> = connectWorker<Api>({
    spawn: () => {
      const made = makeWorker(options.protocol === undefined ? {} : { protocol: options.protocol })
      workers.push(made)
      return made.worker
    },
    protocol: 1,
    clock: options.clock ?? systemClock,
    timeoutMs: 1000,
  })
  ends.push(() => connection.dispose())
  return { connection, workers }
}

test('[DEV-43] values travel, buffers move, errors keep their code', async () => {
  const { connection } = connected()
  const values = new Float32Array([1, 2, 3])
  expect(await connection.call('double', [values], { moves: values })).toEqual(new Float32Array([2, 4, 6]))
  expect(values.length).toBe(0)
  const kept = new Float32Array([1])
  await connection.call('double', [kept])
  expect(kept.length).toBe(1)
  await expect(connection.call('refuse', [])).rejects.toMatchObject({
    name: 'AppError',
    code: 'shape_mismatch',
    issues: [{ where: 'input', what: 'too short' }],
  })
})

test('[DEV-43] a worker of another protocol version is refused', async () => {
  const { connection } = connected({ protocol: 2 })
  await expect(connection.call('calls', [])).rejects.toMatchObject({ code: 'protocol_mismatch' })
})

test('[DEV-44] the death of a worker rejects what was pending, and the next call has a new worker', async () => {
  const { connection, workers } = connected()
  await connection.call('double', [new Float32Array(1)])
  expect(connection.generation).toBe(1)
  const pending = [connection.call('hang', []), connection.call('hang', [])]
  await Promise.resolve()
  setTimeout(() => workers[0]?.crash(), 0)
  for (const call of pending) await expect(call).rejects.toMatchObject({ code: 'worker_died' })
  expect(await connection.call('calls', [])).toBe(0)
  expect(connection.generation).toBe(2)
})

test('[DEV-44] a worker that keeps dying is started anew with growing pauses', async () => {
  const clock = manualClock()
  const { connection, workers } = connected({ clock })
  const started: number[] = []
  for (let death = 0; death < 4; death++) {
    const call = connection.call('hang', []).catch((thrown: AppError) => thrown.code)
    await vi.waitFor(
      async () => {
        await clock.advance(50)
        expect(workers.length).toBe(death + 1)
      },
      { interval: 2 },
    )
    started.push(clock.now())
    await new Promise((resolve) => setTimeout(resolve, 20))
    workers[death]?.crash()
    expect(await call).toBe('worker_died')
  }
  const pauses = started.slice(1).map((at, i) => at - (started[i] ?? 0))
  expect(pauses[0]).toBeGreaterThanOrEqual(250)
  expect(pauses[1]).toBeGreaterThanOrEqual(500)
  expect(pauses[2]).toBeGreaterThanOrEqual(1000)
})

test('[DEV-45] a call has a time limit, after which the worker counts as hung; others hear of its death', async () => {
  const clock = manualClock()
  const { connection } = connected({ clock })
  await connection.call('calls', [])
  const slow = connection.call('hang', [], { timeoutMs: 100 }).catch((thrown: AppError) => thrown.code)
  const other = connection.call('hang', [], { timeoutMs: 10_000 }).catch((thrown: AppError) => thrown.code)
  await vi.waitFor(async () => {
    await clock.advance(50)
    expect(await Promise.race([slow, Promise.resolve('pending')])).toBe('timeout')
  })
  expect(await other).toBe('worker_died')
})

test('[DEV-45] an aborted call ends at once and leaves the worker alone', async () => {
  const { connection } = connected()
  await connection.call('double', [new Float32Array(1)])
  const aborting = new AbortController()
  const call = connection.call('hang', [], { signal: aborting.signal })
  aborting.abort()
  await expect(call).rejects.toMatchObject({ code: 'aborted' })
  expect(await connection.call('calls', [])).toBe(1)
  expect(connection.generation).toBe(1)
  await expect(connection.call('calls', [], { signal: aborting.signal })).rejects.toMatchObject({ code: 'aborted' })
})

test('[DEV-45] after dispose nothing is answered', async () => {
  const { connection } = connected()
  const pending = connection.call('hang', [])
  await new Promise((resolve) => setTimeout(resolve, 5))
  connection.dispose()
  await expect(pending).rejects.toMatchObject({ code: 'worker_died' })
  await expect(connection.call('calls', [])).rejects.toMatchObject({ code: 'worker_died' })
})
