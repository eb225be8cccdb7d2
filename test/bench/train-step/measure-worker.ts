import { pageThreads } from '../../../workers/inference/page-threads.ts'
import { measureSteps } from './measure-steps.ts'

// A worker of a page that measures there: the page's own thread may not wait for others.
self.onmessage = async ({ data: { threads, ...options } }) => {
  try {
    postMessage({ times: await measureSteps({ ...options, threads: { ...pageThreads(threads), always: true } }) })
  } catch (thrown) {
    postMessage({ error: String(thrown) })
  }
}
