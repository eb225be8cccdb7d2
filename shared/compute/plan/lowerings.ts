import type { Lowerings } from './lowering.ts'
import { activationLowerings } from './lowerings/activation.ts'
import { averagingLowerings } from './lowerings/averaging.ts'
import { convolutionLowerings } from './lowerings/convolution.ts'
import { denseLowerings } from './lowerings/dense.ts'
import { depthwiseLowerings } from './lowerings/depthwise.ts'
import { dropoutLowerings } from './lowerings/dropout.ts'
import { embeddingLowerings } from './lowerings/embedding.ts'
import { mergeLowerings } from './lowerings/merge.ts'
import { moveLowerings } from './lowerings/move.ts'
import { normalizationLowerings } from './lowerings/normalization.ts'
import { poolingLowerings } from './lowerings/pooling.ts'
import { recurrentLowerings } from './lowerings/recurrent.ts'
import { reshapeLowerings } from './lowerings/reshape.ts'
import { spatialDropoutLowerings } from './lowerings/spatial-dropout.ts'
import { otherConvolutionLowerings } from './lowerings/transposed-convolution.ts'

/**
 * How each class of layers becomes kernel calls. To add a family:
 *
 * 1. Kernels: AssemblyScript in `kernels/assembly/<family>.ts`, exported by `kernels/assembly/index.ts`; addresses and strides are bytes, counts are i32.
 *    `npm run build:kernels` compiles both builds and writes their signatures, so that `context.kernels.<name>` has its type.
 * 2. A table in `lowerings/<family>.ts`: for each class name a `Lowering`. It reads `layer.config` (refusing every option that it does not know, through
 *    `context.refuse` and config.ts), makes its answer with `context.output`, asks `context.gradientOf(input)` where to write each input's gradient, and emits
 *    steps with `context.forward` and `context.backward`. Backward blocks run in reverse order of emission; a block may overwrite the gradient of its own output.
 *    Every step reads `context.run` when it runs: the batch may be smaller than `batchSize`. Steps made by `byImages` and `byStretch` (share.ts) are shared out
 *    to the threads of a plan; a plain function runs on the first of them alone.
 * 3. One line below, and a rule with tests: kernels against plain loops, the layer's gradients against tfjs.
 */
export const lowerings: Lowerings = {
  ...activationLowerings,
  ...averagingLowerings,
  ...convolutionLowerings,
  ...denseLowerings,
  ...depthwiseLowerings,
  ...dropoutLowerings,
  ...embeddingLowerings,
  ...mergeLowerings,
  ...moveLowerings,
  ...normalizationLowerings,
  ...otherConvolutionLowerings,
  ...poolingLowerings,
  ...recurrentLowerings,
  ...reshapeLowerings,
  ...spatialDropoutLowerings,
}
