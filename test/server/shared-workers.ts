import { fileURLToPath } from 'node:url'
import { systemClock } from '../../shared/core/clock.ts'
import { createWorkerPool } from '../../server/pipeline/worker-pool.ts'
import { PARALLEL_STEPS, STEP_LIMITS } from '../../server/services.ts'

/** The workers that the servers of all tests in this process run their steps in: a fifth of the time went into starting them for each. They end with the process. */
export const sharedWorkers = createWorkerPool({
  clock: systemClock,
  idle: PARALLEL_STEPS,
  memoryMb: STEP_LIMITS.memoryMb,
  cacheFolder: fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url)),
})
