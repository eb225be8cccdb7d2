// Written by npm run build:kernels.

/** The kernels of shared/compute/kernels/assembly, where they are described. Addresses and strides are bytes. */
export type Kernels = {
  adamStep(
    w: number,
    g: number,
    m: number,
    v: number,
    count: number,
    rate: number,
    scale: number,
    shrink: number,
    beta1: number,
    beta2: number,
    epsilon: number,
  ): void
  addProximal(g: number, w: number, anchor: number, count: number, mu: number): void
  addScaled(to: number, from: number, count: number, factor: number): void
  addTo(to: number, from: number, count: number): void
  binaryCrossEntropy(
    logits: number,
    targets: number,
    weights: number,
    losses: number,
    right: number,
    gradient: number,
    count: number,
    width: number,
    scale: number,
  ): void
  calibrate(inner: number, repeats: number, scratch: number): number
  channelSums(
    from: number,
    image: number,
    row: number,
    pixel: number,
    images: number,
    height: number,
    width: number,
    channels: number,
    to: number,
    mode: number,
    rate: number,
  ): void
  convolve(
    input: number,
    inImage: number,
    inRow: number,
    inPixel: number,
    output: number,
    outImage: number,
    outRow: number,
    outPixel: number,
    images: number,
    height: number,
    width: number,
    runs: number,
    runCount: number,
    run: number,
    panels: number,
    channels: number,
    bias: number,
    flags: number,
    scratch: number,
  ): void
  copyPixels(
    from: number,
    fromImage: number,
    fromRow: number,
    to: number,
    toImage: number,
    toRow: number,
    images: number,
    height: number,
    rowBytes: number,
  ): void
  dropout(x: number, y: number, count: number, key: number, threshold: number, scale: number): void
  fillPixels(to: number, image: number, row: number, images: number, height: number, rowBytes: number): void
  filterGradient(
    input: number,
    inImage: number,
    inRow: number,
    inPixel: number,
    gradient: number,
    gradientImage: number,
    gradientRow: number,
    gradientPixel: number,
    images: number,
    height: number,
    width: number,
    runs: number,
    runCount: number,
    run: number,
    target: number,
    channels: number,
    mode: number,
    rate: number,
    scratch: number,
  ): void
  maxPool(
    x: number,
    xImage: number,
    xRow: number,
    y: number,
    yImage: number,
    yRow: number,
    images: number,
    height: number,
    width: number,
    channels: number,
    outHeight: number,
    outWidth: number,
    poolHeight: number,
    poolWidth: number,
    strideHeight: number,
    strideWidth: number,
    top: number,
    left: number,
  ): void
  maxPoolGradient(
    x: number,
    xImage: number,
    xRow: number,
    y: number,
    yImage: number,
    yRow: number,
    dy: number,
    dyImage: number,
    dyRow: number,
    dx: number,
    dxImage: number,
    dxRow: number,
    images: number,
    height: number,
    width: number,
    channels: number,
    outHeight: number,
    outWidth: number,
    poolHeight: number,
    poolWidth: number,
    strideHeight: number,
    strideWidth: number,
    top: number,
    left: number,
    add: number,
    positive: number,
  ): void
  momentumStep(
    w: number,
    g: number,
    v: number,
    count: number,
    rate: number,
    scale: number,
    shrink: number,
    momentum: number,
    nesterov: number,
  ): void
  multiply(
    a: number,
    aStride: number,
    b: number,
    bStride: number,
    transposed: number,
    c: number,
    cStride: number,
    rows: number,
    inner: number,
    columns: number,
    bias: number,
    flags: number,
    scratch: number,
  ): void
  packPanels(from: number, rows: number, columns: number, to: number): void
  packTaps(filter: number, taps: number, tapCount: number, inputs: number, outputs: number, to: number): void
  regressionLoss(
    answers: number,
    targets: number,
    weights: number,
    losses: number,
    gradient: number,
    count: number,
    width: number,
    scale: number,
    absolute: number,
  ): void
  relu(x: number, y: number, count: number): void
  reluGradient(
    y: number,
    yImage: number,
    yRow: number,
    dy: number,
    dyImage: number,
    dyRow: number,
    dx: number,
    dxImage: number,
    dxRow: number,
    images: number,
    height: number,
    rowFloats: number,
  ): void
  sgdStep(w: number, g: number, count: number, rate: number, scale: number, shrink: number): void
  softmax(x: number, y: number, count: number, width: number): void
  softmaxCrossEntropy(
    logits: number,
    targets: number,
    weights: number,
    losses: number,
    right: number,
    gradient: number,
    count: number,
    width: number,
    scale: number,
  ): void
  sumOfSquares(from: number, count: number): number
}
