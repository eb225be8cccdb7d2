// Training steps of McMahan's CNN on one thread and on two that take each step together: images a second, whether the loss curves are the same, and what two cores of this machine are to one.
import { createRequire } from 'node:module'
import { nodeThreads } from '../../server/training/node-threads.ts'
import { startBackend } from '../../shared/compute/backends.ts'
import { asIs } from '../../shared/compute/examples.ts'
import { trainingTopology } from '../../shared/compute/loss.ts'
import { buildSeededModel } from '../../shared/compute/seeded-model.ts'
import { startEngine } from '../../shared/compute/start-engine.ts'
import { systemClock } from '../../shared/core/clock.ts'
import { seededRandom } from '../../shared/core/random.ts'
import { unwrap } from '../../shared/core/result.ts'
import { type Bench, compare, timingRows } from '../measure.ts'
import { twoLoops } from './data-parallel/two-loops.ts'
import { mcMahan } from './train-step/networks.ts'
import { batchOf } from './train-step/sides.ts'

const RATE = 0.02
/** Some 30 ms of products. */
const LOOP_REPEATS = 40_000

/** `npm run bench -- data-parallel [batch] [rounds]` */
export const bench: Bench = async ({ words, say, table }) => {
  const [batch, rounds] = [Number(words[0] ?? 64), Number(words[1] ?? 60)]
  const wasmPath = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm')
  unwrap(await startBackend('wasm', { wasmPath }))
  const { topology, loss } = trainingTopology(mcMahan.topology)
  const { x, labels } = batchOf(mcMahan, batch)
  const data = { examples: { data: x, shape: [batch, 28, 28, 1] }, labels }
  const indices = labels.map((_, i) => i)
  const options = { loss, data, transform: asIs, batchSize: batch, optimizer: { kind: 'sgd' } } as const
  const engineOn = async (threads: number) =>
    startEngine(await buildSeededModel(topology, 1), options, 'plan', { ...nodeThreads(threads), always: true })
  const curve = async (threads: number): Promise<number[]> => {
    const engine = await engineOn(threads)
    const random = seededRandom(1)
    const losses: number[] = []
    for (let i = 0; i < 10; i++) losses.push((await engine.train(indices, RATE, random)).loss)
    engine.dispose()
    return losses
  }
  const [single, first, again] = [await curve(1), await curve(2), await curve(2)]
  const identicalCurve = single.every((value, i) => value === first[i] && value === again[i])
  say(
    `loss on two threads: ${first.map((value) => (value / batch).toFixed(4)).join(' ')}; ${identicalCurve ? 'the same' : 'NOT the same'} on one`,
  )
  const [one, two] = [await engineOn(1), await engineOn(2)]
  say(`${one.reason}; ${two.reason}`)
  const random = seededRandom(2)
  const loops = await twoLoops(LOOP_REPEATS)
  const times = await compare({
    clock: systemClock,
    rounds,
    warmup: 3,
    sides: {
      one: () => one.train(indices, RATE, random),
      two: () => two.train(indices, RATE, random),
      loopOne: loops.one,
      loopTwo: loops.two,
    },
  })
  one.dispose()
  two.dispose()
  await loops.close()
  table(timingRows(times))
  const best = (samples: readonly number[]): number => Math.min(...samples)
  const [slow, fast] = [best(times.one.samples), best(times.two.samples)]
  const round = (value: number): number => Number(value.toPrecision(3))
  return {
    batch,
    // in the median: a single thread's best falls where the other core rests and its own runs faster
    speedup: round(times.one.median / times.two.median),
    bestSpeedup: round(slow / fast),
    // of products in the cache, with nothing shared: this machine's limit
    machineSpeedup: round(times.loopOne.median / times.loopTwo.median),
    machineBestSpeedup: round(best(times.loopOne.samples) / best(times.loopTwo.samples)),
    imagesPerSecond: { one: round((1000 * batch) / slow), two: round((1000 * batch) / fast) },
    identicalCurve,
  }
}
