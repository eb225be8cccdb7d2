import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type KernelBuild, loadKernels } from '../../../../../shared/compute/kernels/load-kernels.ts'
import { trainingTopology } from '../../../../../shared/compute/loss.ts'
import { getWeights, type Topology } from '../../../../../shared/compute/model.ts'
import { compileShare, type TrainingOptions } from '../../../../../shared/compute/plan/compile.ts'
import { graphOf } from '../../../../../shared/compute/plan/graph.ts'
import { setPlanWeights } from '../../../../../shared/compute/plan/plan-weights.ts'
import { ALONE } from '../../../../../shared/compute/plan/share.ts'
import type { Pass } from '../../../../../shared/compute/plan/training-plan.ts'
import { buildSeededModel } from '../../../../../shared/compute/seeded-model.ts'
import type { LabelledData } from '../../../../../shared/compute/training-totals.ts'
import { must } from '../../../../../shared/core/assert.ts'
import { unwrap } from '../../../../../shared/core/result.ts'
import { type Trial, turnCrew } from './turns.ts'

const SEED = 11

export type CrewTrial = {
  readonly topology: Topology
  readonly data: LabelledData
  readonly training: Omit<TrainingOptions, 'loss'>
  /** Layers by number whose weights are not to change. */
  readonly frozen?: readonly number[]
  readonly build?: KernelBuild
}

/** Threads that take part in trials, one after another. */
export function trialThreads(count: number) {
  const workers = Array.from({ length: count }, () => new Worker(new URL('./trial-thread.ts', import.meta.url)))
  return {
    /** All that a model has learnt and answered after some passes on `parts` threads: whole and partial batches, training and evaluation. */
    async learnt({ topology, data, training, frozen = [], build }: CrewTrial, parts: number): Promise<Record<string, Float32Array>> {
      const ready = trainingTopology(topology)
      const model = await buildSeededModel(ready.topology, SEED)
      for (const at of frozen) must(model.layers[at], 'a layer').trainable = false
      const { length } = data.labels
      const pass = (kind: Pass['kind'], images: number, step: number): Pass => ({ kind, images, key: SEED + step, rate: 0.05, step })
      /** One pass is for the first thread alone. */
      const taken = (at: number): boolean => at !== 1
      const passes = [
        pass('train', length, 1),
        pass('train', length - 2, 2),
        pass('differentiate', length, 0),
        pass('update', length, 3),
        pass('train', 1, 4),
        pass('evaluate', length, 0),
      ]
      const options = {
        graph: unwrap(graphOf(model)),
        kernels: unwrap(await loadKernels(build, { shared: parts > 1 })),
        batchSize: length + 1,
      }
      const arrivals = new Int32Array(new SharedArrayBuffer(4))
      const crew = parts === 1 ? { ...ALONE, leave() {} } : turnCrew(arrivals, 0, parts)
      const settings = { ...training, loss: ready.loss }
      const { memory, perform, alone, plan: planOf } = compileShare(options, settings, { crew })
      const plan = planOf(perform)
      setPlanWeights(plan, await getWeights(model))
      model.dispose()
      must(plan.inputs[0], 'an input').data.set(data.examples.data)
      plan.targets.data.set(data.labels)
      plan.anchor()
      const trial: Trial = {
        ...options,
        training: settings,
        parts,
        memory,
        passes: passes.map((each, i) => (taken(i) ? each : undefined)),
        arrivals,
      }
      const others = workers.slice(0, parts - 1)
      const compiled = others.map((worker) => once(worker, 'message'))
      for (const [i, worker] of others.entries()) worker.postMessage({ trial, part: i + 1 })
      await Promise.all(compiled)
      const told: Record<string, Float32Array> = {}
      for (const [i, each] of passes.entries()) {
        crew.meet()
        // the others rest
        if (taken(i)) perform(each)
        else alone(each)
        for (const [name, view] of Object.entries({ losses: plan.losses.data, right: plan.right.data, answers: plan.answers.data }))
          told[`${name} of pass ${i}`] = view.slice(0, (view.length / options.batchSize) * each.images)
        if (each.kind === 'differentiate') told['gradients'] = plan.flat.gradients.slice()
      }
      crew.leave()
      for (const { name, data: values } of plan.weights.values()) told[name] = values.slice()
      for (const [i, state] of plan.flat.state.entries()) told[`state ${i}`] = state.slice()
      return told
    },
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  }
}
