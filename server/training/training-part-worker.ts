import { parentPort, workerData } from 'node:worker_threads'
import { type CrewSetup, serveCrew } from '../../shared/compute/plan/crew.ts'

// One thread of a training plan.
const { setup, part } = workerData as { readonly setup: CrewSetup; readonly part: number }
serveCrew(setup, part, () => parentPort?.postMessage('ready'))
