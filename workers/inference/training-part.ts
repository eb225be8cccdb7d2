import { type CrewSetup, serveCrew } from '../../shared/compute/plan/crew.ts'

/** One more thread of the training worker: it serves one plan and ends with it. */
self.onmessage = ({ data: { setup, part } }: MessageEvent<{ readonly setup: CrewSetup; readonly part: number }>) => {
  serveCrew(setup, part, () => self.postMessage('ready'))
  self.close()
}
