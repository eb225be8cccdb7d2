import { once } from 'node:events'
import { parentPort, Worker } from 'node:worker_threads'
import { instantiateKernels, loadKernels } from '../../../shared/compute/kernels/load-kernels.ts'
import { unwrap } from '../../../shared/core/result.ts'

/** What two threads of a loop share: how often it was ordered, and how often the other one has done it. */
export type Loop = { readonly control: Int32Array<SharedArrayBuffer>; readonly repeats: number }
const ORDERED = 0
const DONE = 1
/** Looks before sleep, as the threads of a plan have it. */
const LOOKS = 4_000

/** Products in the first-level cache, nothing shared: on `share` of the repeats. */
async function loopOf(repeats: number): Promise<(share: number) => void> {
  const kernels = instantiateKernels(unwrap(await loadKernels()), new WebAssembly.Memory({ initial: 2, maximum: 65536 }))
  return (share) => void kernels.calibrate(256, Math.round(repeats * share), 1024)
}

/** The same work on one thread, and half of it on each of two: what two cores of this machine are to one, where nothing else is in the way. */
export async function twoLoops(repeats: number) {
  const control = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(new URL('./loop-thread.ts', import.meta.url), { workerData: { control, repeats } satisfies Loop })
  const loop = await loopOf(repeats)
  await once(worker, 'message')
  return {
    one: () => loop(1),
    two(): void {
      const ordered = Atomics.add(control, ORDERED, 1) + 1
      Atomics.notify(control, ORDERED)
      loop(0.5)
      while (Atomics.load(control, DONE) !== ordered);
    },
    close: () => worker.terminate(),
  }
}

/** Does the other half, for as long as the thread lives. */
export async function serveLoop({ control, repeats }: Loop): Promise<never> {
  const loop = await loopOf(repeats)
  parentPort?.postMessage('ready')
  for (let seen = 0; ; seen++) {
    for (let look = 0; look < LOOKS && Atomics.load(control, ORDERED) === seen; look++);
    Atomics.wait(control, ORDERED, seen)
    loop(0.5)
    Atomics.store(control, DONE, seen + 1)
  }
}
