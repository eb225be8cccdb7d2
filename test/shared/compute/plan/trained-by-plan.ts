import { cnn } from '../../../../shared/compute/architectures.ts'
import { startBackend } from '../../../../shared/compute/backends.ts'
import { affine } from '../../../../shared/compute/examples.ts'
import { trainModel, type TrainOptions, type TrainResult } from '../../../../shared/compute/train.ts'
import { unwrap } from '../../../../shared/core/result.ts'
import { quarters } from '../shapes-data.ts'

/** A short run by the plan, wherever this runs. */
export async function trainedByPlan(more: Partial<TrainOptions> = {}): Promise<TrainResult> {
  unwrap(await startBackend('cpu'))
  return trainModel({
    topology: cnn({ inputShape: [8, 8, 1], classes: 4, blocks: [{ filters: 8, kernel: 3, pool: 2 }], hidden: [16], dropout: 0.1 }),
    ...quarters(600, 1),
    validation: quarters(100, 2),
    transform: affine(1 / 255),
    epochs: 4,
    batchSize: 32,
    optimizer: { kind: 'adam' },
    learningRate: { kind: 'constant', rate: 0.01 },
    seed: 1,
    engineChoice: 'plan',
    ...more,
  })
}
