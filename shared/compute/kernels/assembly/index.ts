// What the module exports: each is a kernel that a plan may call.
export { addScaled, addTo, channelSums, copyPixels, dropout, fillPixels, relu, reluGradient } from './elementwise.ts'
export { binaryCrossEntropy, regressionLoss, softmax, softmaxCrossEntropy } from './loss.ts'
export { adamStep, addProximal, momentumStep, sgdStep, sumOfSquares } from './optimizer.ts'
export { packPanels, packTaps } from './packing.ts'
export { maxPool, maxPoolGradient } from './pooling.ts'
export { calibrate, convolve, filterGradient, multiply } from './product.ts'
