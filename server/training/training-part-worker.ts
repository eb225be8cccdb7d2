import { parentPort, workerData } from 'node:worker_threads'
import { servePart, type ParallelSetup } from '../../shared/compute/plan/parallel-plan.ts'

// One thread of a training plan in several parts.
const { setup, part } = workerData as { readonly setup: ParallelSetup; readonly part: number }
servePart(setup, part, () => parentPort?.postMessage('ready'))
