// What the module exports: each is a kernel that a plan may call.
export { activate, activationGradient, prelu, preluGradient, softmaxGradient } from './activations.ts'
export { averagePool, depthwise, depthwiseFilterGradient, depthwiseScatter, reverseTaps } from './depthwise.ts'
export { addScaled, addTo, channelSums, copyPixels, dropout, fillPixels, relu, reluGradient } from './elementwise.ts'
export { binaryCrossEntropy, regressionLoss, softmax, softmaxCrossEntropy } from './loss.ts'
export { embed, embedGradient, extreme, extremeGradient, moveRuns, product, rowProducts, scale, scaleRows } from './moves.ts'
export {
  batchGradient,
  batchGradientSums,
  batchScale,
  channelAffine,
  channelPowers,
  layerGradient,
  layerNormalize,
  moveTowards,
} from './normalization.ts'
export { adamStep, addProximal, momentumStep, sgdStep, squaresTo, sumDoubles, sumOfSquares } from './optimizer.ts'
export { packPanels, packTaps } from './packing.ts'
export { maxPool, maxPoolGradient } from './pooling.ts'
export { calibrate, convolve, filterGradient, multiply } from './product.ts'
export {
  gruGates,
  gruResetGradient,
  gruStep,
  gruStepGradient,
  lstmStep,
  lstmStepGradient,
  simpleStep,
  simpleStepGradient,
} from './recurrent.ts'
export {
  winogradFilter,
  winogradFilterGradient,
  winogradGradient,
  winogradInput,
  winogradInputGradient,
  winogradOutput,
  winogradProducts,
  winogradSums,
} from './winograd.ts'
