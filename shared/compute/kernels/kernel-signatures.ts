// Written by npm run build:kernels.
// biome-ignore-all format: a line for each kernel, however long

/** The kernels of shared/compute/kernels/assembly, where they are described. Addresses and strides are bytes. */
export type Kernels = {
  activate(kind: number, x: number, y: number, count: number, alpha: number): void
  activationGradient(kind: number, x: number, y: number, dy: number, dx: number, count: number, alpha: number): void
  adamStep(w: number, g: number, m: number, v: number, count: number, rate: number, scale: number, shrink: number, beta1: number, beta2: number, epsilon: number): void
  addProximal(g: number, w: number, anchor: number, count: number, mu: number): void
  addScaled(to: number, from: number, count: number, factor: number): void
  addTo(to: number, from: number, count: number): void
  averagePool(x: number, xImage: number, xRow: number, y: number, yImage: number, yRow: number, images: number, inHeight: number, inWidth: number, channels: number, height: number, width: number, poolHeight: number, poolWidth: number, strideHeight: number, strideWidth: number, top: number, left: number, back: number): void
  batchGradient(x: number, xImage: number, xRow: number, dy: number, dyImage: number, dyRow: number, dx: number, dxImage: number, dxRow: number, images: number, height: number, width: number, channels: number, mean: number, inverse: number, scale: number, dgamma: number, dbeta: number, share: number): void
  batchGradientSums(x: number, xImage: number, xRow: number, dy: number, dyImage: number, dyRow: number, pixel: number, images: number, height: number, width: number, channels: number, mean: number, inverse: number, dgamma: number, dbeta: number): void
  batchScale(mean: number, variance: number, gamma: number, beta: number, channels: number, epsilon: number, inverse: number, scale: number, shift: number): void
  binaryCrossEntropy(logits: number, targets: number, weights: number, losses: number, right: number, gradient: number, count: number, width: number, scale: number): void
  calibrate(inner: number, repeats: number, scratch: number): number
  channelAffine(x: number, xImage: number, xRow: number, y: number, yImage: number, yRow: number, images: number, height: number, width: number, channels: number, scale: number, shift: number, flags: number): void
  channelPowers(x: number, image: number, row: number, pixel: number, images: number, height: number, width: number, channels: number, shift: number, power: number, factor: number, to: number): void
  channelSums(from: number, image: number, row: number, pixel: number, images: number, height: number, width: number, channels: number, to: number, mode: number, rate: number): void
  convolve(input: number, inImage: number, inRow: number, inPixel: number, output: number, outImage: number, outRow: number, outPixel: number, images: number, height: number, width: number, runs: number, runCount: number, run: number, panels: number, channels: number, bias: number, flags: number, scratch: number): void
  copyPixels(from: number, fromImage: number, fromRow: number, to: number, toImage: number, toRow: number, images: number, height: number, rowBytes: number): void
  depthwise(x: number, xImage: number, xRow: number, y: number, yImage: number, yRow: number, images: number, height: number, width: number, channels: number, filter: number, kernelHeight: number, kernelWidth: number, strideHeight: number, strideWidth: number, bias: number, flags: number): void
  depthwiseFilterGradient(x: number, xImage: number, xRow: number, dy: number, dyImage: number, dyRow: number, pixel: number, images: number, height: number, width: number, channels: number, kernelHeight: number, kernelWidth: number, strideHeight: number, strideWidth: number, target: number): void
  depthwiseScatter(dy: number, dyImage: number, dyRow: number, dx: number, dxImage: number, dxRow: number, images: number, height: number, width: number, channels: number, inHeight: number, inWidth: number, filter: number, kernelHeight: number, kernelWidth: number, strideHeight: number, strideWidth: number, top: number, left: number): void
  dropout(x: number, y: number, count: number, key: number, threshold: number, scale: number): void
  embed(ids: number, table: number, y: number, count: number, rows: number, width: number): void
  embedGradient(ids: number, dy: number, table: number, count: number, rows: number, width: number, factor: number): void
  extreme(a: number, b: number, y: number, count: number, least: number): void
  extremeGradient(a: number, b: number, dy: number, to: number, count: number, least: number, second: number): void
  fillPixels(to: number, image: number, row: number, images: number, height: number, rowBytes: number): void
  filterGradient(input: number, inImage: number, inRow: number, inPixel: number, gradient: number, gradientImage: number, gradientRow: number, gradientPixel: number, images: number, height: number, width: number, runs: number, runCount: number, run: number, target: number, stride: number, channels: number, mode: number, rate: number, scratch: number): void
  gruGates(z: number, zImage: number, before: number, rh: number, hImage: number, images: number, units: number, hard: number): void
  gruResetGradient(z: number, zImage: number, before: number, hImage: number, drh: number, dh: number, images: number, units: number, hard: number): void
  gruStep(z: number, zImage: number, before: number, h: number, hImage: number, images: number, units: number): void
  gruStepGradient(z: number, zImage: number, before: number, hImage: number, dh: number, extra: number, extraImage: number, images: number, units: number, hard: number): void
  layerGradient(x: number, dy: number, dx: number, rows: number, width: number, gamma: number, stats: number, dgamma: number, dbeta: number): void
  layerNormalize(x: number, y: number, rows: number, width: number, gamma: number, beta: number, epsilon: number, stats: number): void
  lstmStep(z: number, zImage: number, before: number, c: number, cImage: number, h: number, hImage: number, images: number, units: number, hard: number): void
  lstmStepGradient(z: number, zImage: number, before: number, c: number, cImage: number, dh: number, extra: number, extraImage: number, dc: number, images: number, units: number, hard: number): void
  maxPool(x: number, xImage: number, xRow: number, y: number, yImage: number, yRow: number, images: number, height: number, width: number, channels: number, outHeight: number, outWidth: number, poolHeight: number, poolWidth: number, strideHeight: number, strideWidth: number, top: number, left: number): void
  maxPoolGradient(x: number, xImage: number, xRow: number, y: number, yImage: number, yRow: number, dy: number, dyImage: number, dyRow: number, dx: number, dxImage: number, dxRow: number, images: number, height: number, width: number, channels: number, outHeight: number, outWidth: number, poolHeight: number, poolWidth: number, strideHeight: number, strideWidth: number, top: number, left: number, add: number, positive: number): void
  momentumStep(w: number, g: number, v: number, count: number, rate: number, scale: number, shrink: number, momentum: number, nesterov: number): void
  moveRuns(from: number, fromImage: number, fromOffsets: number, to: number, toImage: number, toOffsets: number, count: number, run: number, images: number, adding: number): void
  moveTowards(to: number, from: number, count: number, share: number): void
  multiply(a: number, aStride: number, b: number, bStride: number, transposed: number, c: number, cStride: number, rows: number, inner: number, columns: number, bias: number, flags: number, scratch: number): void
  packPanels(from: number, stride: number, rows: number, columns: number, to: number): void
  packTaps(filter: number, taps: number, tapCount: number, inputs: number, outputs: number, to: number): void
  prelu(x: number, alpha: number, y: number, rows: number, width: number): void
  preluGradient(x: number, alpha: number, dy: number, dx: number, dalpha: number, rows: number, width: number): void
  product(a: number, b: number, y: number, count: number): void
  regressionLoss(answers: number, targets: number, weights: number, losses: number, gradient: number, count: number, width: number, scale: number, absolute: number): void
  relu(x: number, y: number, count: number): void
  reluGradient(y: number, yImage: number, yRow: number, dy: number, dyImage: number, dyRow: number, dx: number, dxImage: number, dxRow: number, images: number, height: number, rowFloats: number): void
  reverseTaps(filter: number, taps: number, channels: number, to: number): void
  rowProducts(a: number, b: number, y: number, rows: number, width: number): void
  scale(x: number, y: number, count: number, factor: number, offset: number): void
  scaleRows(x: number, factors: number, y: number, rows: number, width: number): void
  sgdStep(w: number, g: number, count: number, rate: number, scale: number, shrink: number): void
  simpleStep(z: number, zImage: number, h: number, hImage: number, images: number, units: number): void
  simpleStepGradient(h: number, hImage: number, dh: number, extra: number, extraImage: number, dz: number, zImage: number, images: number, units: number): void
  softmax(x: number, y: number, count: number, width: number): void
  softmaxCrossEntropy(logits: number, targets: number, weights: number, losses: number, right: number, gradient: number, count: number, width: number, scale: number): void
  softmaxGradient(y: number, dy: number, dx: number, rows: number, width: number): void
  squaresTo(from: number, count: number, to: number): void
  sumDoubles(from: number, count: number): number
  sumOfSquares(from: number, count: number): number
  winogradFilter(filter: number, axisPoints: number, channels: number, filters: number, transposed: number, first: number, count: number, to: number, point: number, scratch: number): void
  winogradFilterGradient(sums: number, point: number, axisPoints: number, channels: number, filters: number, first: number, count: number, target: number, mode: number, rate: number, scratch: number): void
  winogradGradient(dy: number, dyImage: number, dyRow: number, height: number, width: number, channels: number, axisPoints: number, down: number, across: number, first: number, tiles: number, to: number, point: number, scratch: number): void
  winogradInput(x: number, xImage: number, xRow: number, channels: number, axisPoints: number, down: number, across: number, first: number, tiles: number, to: number, point: number, scratch: number): void
  winogradInputGradient(from: number, point: number, first: number, tiles: number, dx: number, dxImage: number, dxRow: number, channels: number, axisPoints: number, down: number, across: number, scratch: number): void
  winogradOutput(from: number, point: number, first: number, tiles: number, y: number, yImage: number, yRow: number, height: number, width: number, channels: number, axisPoints: number, down: number, across: number, bias: number, flags: number, scratch: number): void
  winogradProducts(from: number, fromPoint: number, panels: number, panelPoint: number, points: number, tiles: number, inner: number, columns: number, to: number, toPoint: number, scratch: number): void
  winogradSums(input: number, inputPoint: number, gradient: number, gradientPoint: number, tiles: number, channels: number, filters: number, points: number, to: number, toPoint: number, mode: number, runs: number, scratch: number): void
}
