import { pageThreads } from '../../workers/inference/page-threads.ts'
import { trainedByPlan } from '../shared/compute/plan/trained-by-plan.ts'

// A worker of a page that trains on as many threads as it is told.
self.onmessage = async ({ data: count }: MessageEvent<number>) => {
  const { weights, engine } = await trainedByPlan({ threads: pageThreads(count) })
  postMessage({ weights, engine })
}
