import { parentPort } from 'node:worker_threads'
import { compileShare } from '../../../../../shared/compute/plan/compile.ts'
import { type Trial, turnCrew } from './turns.ts'

// A thread that takes its share of one trial after another.
parentPort?.on('message', ({ trial, part }: { trial: Trial; part: number }) => {
  const { graph, kernels, training, batchSize, parts, memory, passes, arrivals } = trial
  const crew = turnCrew(arrivals, part, parts)
  const { perform } = compileShare({ graph, kernels, batchSize }, training, { crew, memory })
  parentPort?.postMessage('ready')
  for (const pass of passes) {
    crew.meet()
    if (pass) perform(pass)
  }
  crew.leave()
})
