import { convolutionShape } from '../convolution-shape.ts'
import { pairOf } from '../config.ts'
import type { Activation, LayerToLower, LoweringContext, Lowerings } from '../lowering.ts'
import { imageShape } from '../region.ts'
import { byImages } from '../share.ts'

function lowerMaxPool(context: LoweringContext, { config }: LayerToLower, [input]: readonly Activation[]): Activation {
  if (input === undefined) return context.refuse('it has no input')
  if (config['dataFormat'] === 'channelsFirst') context.refuse('dataFormat is channelsFirst')
  const { kernels, run } = context
  const [height, width, channels] = imageShape(input.shape)
  const [poolHeight, poolWidth] = pairOf(config['poolSize'])
  const [strideHeight, strideWidth] = pairOf(config['strides'] ?? config['poolSize'])
  const {
    output: [outHeight, outWidth],
    top,
    left,
  } = convolutionShape({
    input: [height, width, channels],
    filters: channels,
    kernel: [poolHeight, poolWidth],
    strides: [strideHeight, strideWidth],
    dilation: [1, 1],
    same: config['padding'] === 'same',
  })
  const output = context.output([outHeight, outWidth, channels], { strided: true })
  const [x, y] = [input.value, output.value]
  const pool = byImages(run, (first, images) =>
    kernels.maxPool(
      x.address + first * x.image,
      x.image,
      x.row,
      y.address + first * y.image,
      y.image,
      y.row,
      images,
      height,
      width,
      channels,
      outHeight,
      outWidth,
      poolHeight,
      poolWidth,
      strideHeight,
      strideWidth,
      top,
      left,
    ),
  )
  context.forward(pool)
  const dx = context.gradientOf(input)
  const dy = output.gradient
  if (dx && dy) {
    // windows side by side that cover everything: each pixel is written once
    const apart =
      strideHeight === poolHeight && strideWidth === poolWidth && outHeight * poolHeight === height && outWidth * poolWidth === width
    const positive = context.takeRelu(input) ? 1 : 0
    const gradient = byImages(run, (first, images) => {
      if (!apart) kernels.fillPixels(dx.address + first * dx.image, dx.image, dx.row, images, height, width * channels * 4)
      kernels.maxPoolGradient(
        x.address + first * x.image,
        x.image,
        x.row,
        y.address + first * y.image,
        y.image,
        y.row,
        dy.address + first * dy.image,
        dy.image,
        dy.row,
        dx.address + first * dx.image,
        dx.image,
        dx.row,
        images,
        height,
        width,
        channels,
        outHeight,
        outWidth,
        poolHeight,
        poolWidth,
        strideHeight,
        strideWidth,
        top,
        left,
        apart ? 0 : 1,
        positive,
      )
    })
    context.backward(gradient)
  }
  return output
}

export const poolingLowerings: Lowerings = { MaxPooling2D: { lower: lowerMaxPool, strided: true } }
