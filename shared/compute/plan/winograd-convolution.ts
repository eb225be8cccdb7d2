import type { ConvolutionPlaces, ConvolutionSteps } from './convolution-steps.ts'
import type { GradientTarget, LoweringContext } from './lowering.ts'
import type { Region } from './region.ts'
import { byImages, byStretch, type SharedStep } from './share.ts'
import { TILE, type WinogradShape } from './winograd-shape.ts'

/** What the kernels transform values in, and then what a product needs. */
const TRANSFORM_BYTES = 2048
/** Tiles that go through all points together: their values there stay in the second-level cache. */
const TOGETHER = 32
const MATRIX_PAD = 64

/** Matrices [rows, columns], one for each point. They do not begin at the same place of a page, or what belongs together at all points would meet in one set of the cache. */
const pointBytes = (rows: number, columns: number): number => Math.ceil((rows * columns * 4) / 128) * 128 + MATRIX_PAD

/** Tiles of whole images, or parts of one image, that go through all points together: `work` gets the first image, the first tile counted from it, and how many. */
function eachGroup(images: number, perImage: number, work: (image: number, tile: number, tiles: number) => void): void {
  const whole = Math.max(1, Math.floor(TOGETHER / perImage))
  const parts = Math.ceil(perImage / TOGETHER)
  for (let image = 0; image < images; image += whole) {
    const tiles = Math.min(whole, images - image) * perImage
    for (let part = 0; part < parts; part++) {
      const tile = Math.floor((tiles * part) / parts)
      work(image, tile, Math.floor((tiles * (part + 1)) / parts) - tile)
    }
  }
}

/** A convolution by Winograd's algorithm; the input has winogradHalo around it. Each image's bits depend on nothing but that image and the filter. */
export function winogradConvolution(context: LoweringContext, places: ConvolutionPlaces, winograd: WinogradShape): ConvolutionSteps {
  const { kernels, run, batchSize, trains } = context
  const { shape, input, output, filter, bias, flags } = places
  const { along, down, across } = winograd
  const points = along ** 2
  const [height, width] = shape.output
  const [, , channels] = shape.input
  const { filters } = shape
  const perImage = down * across
  const group = Math.max(
    perImage > TOGETHER ? Math.ceil(perImage / Math.ceil(perImage / TOGETHER)) : Math.floor(TOGETHER / perImage) * perImage,
    1,
  )
  const all = batchSize * perImage
  const coarse = perImage * 2 < TOGETHER
  const runs = context.table([0])
  const panelPoint = pointBytes(channels, filters)
  const panels = context.allocate(points * panelPoint)
  // who trains multiplies with the input's values once more
  const inputPoint = pointBytes(trains ? all : group, channels)
  const kept = trains ? context.allocate(points * inputPoint) : 0
  const [groupInput, groupOutput] = [pointBytes(group, channels), pointBytes(group, filters)]
  context.needScratch(TRANSFORM_BYTES + points * (groupOutput + (trains ? 0 : groupInput)))
  const x = input.address - shape.top * input.row - shape.left * channels * 4

  const prepare = byStretch('panels', filters, 8, (first, count) =>
    kernels.winogradFilter(filter, along, channels, filters, 0, first, count, panels, panelPoint, run.scratch),
  )
  const forward = byImages(
    run,
    (from, images) =>
      eachGroup(images, perImage, (image, tile, tiles) => {
        const products = run.scratch + TRANSFORM_BYTES
        const first = from + image
        const values = trains ? kept + (first * perImage + tile) * channels * 4 : products + points * groupOutput
        const y = output.address + first * output.image
        const at = x + first * input.image
        kernels.winogradInput(at, input.image, input.row, channels, along, down, across, tile, tiles, values, inputPoint, run.scratch)
        kernels.winogradProducts(
          values,
          inputPoint,
          panels,
          panelPoint,
          points,
          tiles,
          channels,
          filters,
          products,
          groupOutput,
          run.scratch,
        )
        kernels.winogradOutput(
          products,
          groupOutput,
          tile,
          tiles,
          y,
          output.image,
          output.row,
          height,
          width,
          filters,
          along,
          down,
          across,
          bias,
          flags,
          run.scratch,
        )
      }),
    coarse,
  )

  /** The gradients by input and filter, where they are wanted, from that by the output. */
  function backward(gradient: Region, target: Region | undefined, filterTarget: GradientTarget | undefined): SharedStep[] {
    const steps: SharedStep[] = []
    const gradientPoint = pointBytes(all, filters)
    const values = context.allocate(points * gradientPoint)
    const transposed = target ? context.allocate(points * panelPoint) : 0
    // the input as the tiles read it, with all that lies around
    const [rows, columns] = [(down - 1) * TILE + along, (across - 1) * TILE + along]
    const sumRow = columns * channels * 4
    const sumImage = rows * sumRow
    const inGroup = Math.max(1, Math.floor(TOGETHER / perImage))
    if (target) {
      context.needScratch(TRANSFORM_BYTES + points * groupInput + inGroup * sumImage)
      steps.push(
        byStretch('panels', channels, 8, (first, count) =>
          kernels.winogradFilter(filter, along, channels, filters, 1, first, count, transposed, panelPoint, run.scratch),
        ),
      )
    }
    const toInput = (first: number, image: number, images: number, tile: number, tiles: number, from: number, to: Region): void => {
      const products = run.scratch + TRANSFORM_BYTES
      const sums = products + points * groupInput
      if (tile === 0) kernels.fillPixels(sums, sumImage, sumRow, Math.min(inGroup, images - image), rows, sumRow)
      kernels.winogradProducts(
        from,
        gradientPoint,
        transposed,
        panelPoint,
        points,
        tiles,
        filters,
        channels,
        products,
        groupInput,
        run.scratch,
      )
      kernels.winogradInputGradient(products, groupInput, tile, tiles, sums, sumImage, sumRow, channels, along, down, across, run.scratch)
      const over = (tile + tiles) / perImage
      if (!Number.isInteger(over)) return
      const inside = sums + shape.top * sumRow + shape.left * channels * 4
      const dx = to.address + first * to.image
      kernels.copyPixels(inside, sumImage, sumRow, dx, to.image, to.row, over, shape.input[0], shape.input[1] * channels * 4)
    }
    steps.push(
      byImages(
        run,
        (from, images) =>
          eachGroup(images, perImage, (image, tile, tiles) => {
            const first = from + image
            const to = values + (first * perImage + tile) * filters * 4
            const dy = gradient.address + first * gradient.image
            kernels.winogradGradient(
              dy,
              gradient.image,
              gradient.row,
              height,
              width,
              filters,
              along,
              down,
              across,
              tile,
              tiles,
              to,
              gradientPoint,
              run.scratch,
            )
            if (target) toInput(first, image, images, tile, tiles, to, target)
          }),
        coarse,
      ),
    )
    if (filterTarget) {
      const sums = context.allocate(points * panelPoint)
      context.needScratch(8192 + 4 * filters)
      steps.push(
        byStretch('values', points, 1, (point, own) =>
          kernels.winogradSums(
            kept + point * inputPoint,
            inputPoint,
            values + point * gradientPoint,
            gradientPoint,
            run.images * perImage,
            channels,
            filters,
            own,
            sums + point * panelPoint,
            panelPoint,
            runs,
            run.scratch,
          ),
        ),
        byStretch('weights', channels, 1, (first, count) =>
          kernels.winogradFilterGradient(
            sums,
            panelPoint,
            along,
            channels,
            filters,
            first,
            count,
            filterTarget.address,
            filterTarget.mode,
            run.rate,
            run.scratch,
          ),
        ),
      )
    }
    return steps
  }
  return { prepare, forward, backward }
}
