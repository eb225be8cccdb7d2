import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { must } from '../../shared/core/assert.ts'
import { loadKernels } from '../../shared/compute/kernels/load-kernels.ts'
import { getWeights } from '../../shared/compute/model.ts'
import { graphOf } from '../../shared/compute/plan/graph.ts'
import { commandParts, parallelPart, type ParallelSetup, parallelSetup, shareOut } from '../../shared/compute/plan/parallel-plan.ts'
import type { PlanTensor } from '../../shared/compute/plan/plan.ts'
import { type BatchPart, partOf, planEngine, type Stepper } from '../../shared/compute/plan/plan-engine.ts'
import { checkPlanParity } from '../../shared/compute/plan/plan-parity.ts'
import { setPlanWeights } from '../../shared/compute/plan/plan-weights.ts'
import { type EngineStarter, startEngine } from '../../shared/compute/start-engine.ts'
import { unwrap } from '../../shared/core/result.ts'

/**
 * Starts engines that split every batch over `threads` threads, this one included. The same seed and number of threads give the same bits. Where no plan can be
 * split, training goes on as on one thread, and says why.
 */
export const parallelEngine = (threads: number): EngineStarter =>
  async function startParallel(model, options, choice) {
    if (choice === 'tfjs' || threads < 2) return startEngine(model, options, choice)
    let setup: ParallelSetup
    try {
      const [kernels, shared] = [unwrap(await loadKernels()), unwrap(await loadKernels({ shared: true }))]
      unwrap(await checkPlanParity(kernels))
      setup = parallelSetup({ graph: unwrap(graphOf(model)), kernels, batchSize: options.batchSize }, cloneable(options), threads, shared)
    } catch (thrown) {
      const engine = await startEngine(model, options, choice)
      return { ...engine, reason: `${engine.reason}, on one thread: ${thrown instanceof Error ? thrown.message : String(thrown)}` }
    }
    const weights = await getWeights(model)
    const stepper = await startParts(setup)
    setPlanWeights(stepper.plan, weights)
    return planEngine(stepper, options, Object.keys(weights))
  }

/** What a part needs of the options; the rest are functions, or large. */
const cloneable = ({ loss, optimizer, clipNorm, proximal }: Parameters<EngineStarter>[1]) => ({ loss, optimizer, clipNorm, proximal })

async function startParts(setup: ParallelSetup): Promise<Stepper> {
  const { parts, memory, ownBytes } = setup
  const entry = new URL('./training-part-worker.ts', import.meta.url)
  const workers = Array.from({ length: parts - 1 }, (_, i) => new Worker(entry, { workerData: { setup, part: i + 1 } }))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  // they are not to keep the process alive
  for (const worker of workers) worker.unref()
  const own = parallelPart(setup, 0)
  const command = commandParts(setup)
  const moved = (tensor: PlanTensor, part: number): PlanTensor => ({
    ...tensor,
    data: new Float32Array(memory.buffer, tensor.data.byteOffset + part * ownBytes, tensor.data.length),
  })
  const first = partOf(own.plan)
  const partAt = (part: number): BatchPart => ({
    input: moved(first.input, part),
    targets: moved(first.targets, part),
    exampleWeights: moved(first.exampleWeights, part),
    losses: moved(first.losses, part),
    right: moved(first.right, part),
  })
  const views = Array.from({ length: parts }, (_, part) => partAt(part))
  for (const { exampleWeights } of views) exampleWeights.data.fill(1)
  return {
    plan: own.plan,
    parts: views,
    reason: `${own.plan.build} kernels on ${parts} threads`,
    share: (images) => shareOut(images, parts),
    train(images, step) {
      const together = { ...step, step: own.plan.steps + 1 }
      command.train(images, together)
      own.train(must(images[0], 'a share'), together)
    },
    close() {
      command.stop()
    },
  }
}
