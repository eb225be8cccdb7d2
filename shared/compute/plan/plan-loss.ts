import { AppError } from '../../core/errors.ts'
import { sizeOf } from '../../tensor/tensor.ts'
import type { LossKind } from '../loss.ts'
import type { Kernels } from '../kernels/kernel-signatures.ts'
import type { Activation } from './lowering.ts'
import type { PlanMemory } from './memory-plan.ts'
import type { Run } from './run.ts'
import { byImages, type Step } from './share.ts'

/** Addresses of what a loss reads and gives, all float32. */
export type PlacedLoss = {
  /** A class number for each example under softmax, else as many values as the model answers. */
  readonly targets: number
  readonly targetWidth: number
  readonly weights: number
  readonly losses: number
  /** 1 for each example answered rightly; 0 where a loss knows no right and wrong. */
  readonly right: number
  readonly step: Step
}

/** Places the loss on the model's answers (logits under a cross-entropy). Its gradient is that of the mean over the batch. */
export function placeLoss(
  kind: LossKind,
  kernels: Kernels,
  run: Run,
  answers: Activation,
  batchSize: number,
  memory: PlanMemory,
): PlacedLoss {
  const width = sizeOf(answers.shape)
  const targetWidth = kind === 'softmax-cross-entropy' ? 1 : width
  const vector = (): number => memory.allocate(batchSize * 4)
  const [targets, weights, losses, right] = [memory.allocate(batchSize * targetWidth * 4), vector(), vector(), vector()]
  const from = answers.value.address
  const { gradient } = answers
  if (gradient === undefined) throw new AppError('unsupported_op', 'the model has no weight that is trained')
  const to = gradient.address
  const absolute = kind === 'mean-absolute-error' ? 1 : 0
  const step = byImages(run, (first, images) => {
    const scale = 1 / run.images
    const [z, g, t] = [from + first * width * 4, to + first * width * 4, targets + first * targetWidth * 4]
    const [w, l, r] = [weights + first * 4, losses + first * 4, right + first * 4]
    if (kind === 'softmax-cross-entropy') kernels.softmaxCrossEntropy(z, t, w, l, r, g, images, width, scale)
    else if (kind === 'binary-cross-entropy') kernels.binaryCrossEntropy(z, t, w, l, r, g, images, width, scale)
    else kernels.regressionLoss(z, t, w, l, g, images, width, scale, absolute)
  })
  return { targets, targetWidth, weights, losses, right, step }
}
