import type { EpochRecord } from '../../../shared/compute/train.ts'
import type { TensorData } from '../../../shared/tensor/tensor.ts'

type Weights = Record<string, TensorData>

export type EarlyStopping = {
  after(epoch: EpochRecord, weights: () => Promise<Weights>): Promise<'go on' | 'stop'>
  /** The weights of the best epoch so far. */
  best(): { readonly epoch: number; readonly weights: Weights } | undefined
}

/** Watches the validation loss (Prechelt 1998: generalisation has stopped where it no longer falls) and keeps the weights of the best epoch. */
export function watchValidation({ patience, leastFall }: { readonly patience: number; readonly leastFall: number }): EarlyStopping {
  let best: { epoch: number; loss: number; weights: Weights } | undefined
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
