import type { EpochRecord } from '../../../shared/compute/train.ts'
import type { TensorData } from '../../../shared/tensor/tensor.ts'

type Weights = Record<string, TensorData>

/** The best epoch so far. */
export type BestEpoch = { readonly epoch: number; readonly loss: number; readonly weights: Weights }

export type EarlyStopping = {
  after(epoch: EpochRecord, weights: () => Promise<Weights>): Promise<'go on' | 'stop'>
  best(): BestEpoch | undefined
}

/** Watches the validation loss (Prechelt 1998: generalisation has stopped where it no longer falls) and keeps the weights of the best epoch. `before` is the best of the epochs that it has not seen. */
export function watchValidation(
  { patience, leastFall }: { readonly patience: number; readonly leastFall: number },
  before?: BestEpoch,
): EarlyStopping {
  let best = before
  return {
    async after({ epoch, validationLoss }, weights) {
      if (validationLoss === undefined) return 'go on'
      if (best === undefined || validationLoss < best.loss - leastFall) {
        best = { epoch, loss: validationLoss, weights: await weights() }
        return 'go on'
      }
      return epoch - best.epoch >= patience ? 'stop' : 'go on'
    },
    best: () => best,
  }
}
