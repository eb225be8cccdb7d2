import type { ConvolutionPlaces, ConvolutionSteps } from './convolution-steps.ts'
import type { GradientTarget, LoweringContext } from './lowering.ts'
import type { Region } from './region.ts'
import { byImages, byStretch, type SharedStep } from './share.ts'
import { TILE_SIZE, type WinogradShape } from './winograd-shape.ts'

/** What the kernels transform values in, and then what a product needs. */
const TRANSFORM_BYTES = 2048
/** Tiles that go through all points together: their values there stay in the second-level cache. */
const TOGETHER = 32
/** Values at the points that are kept for the filter's gradient at a time, about: they stay in the third-level cache. */
const LOT_BYTES = 2 ** 23
const MATRIX_PAD = 64

/** Matrices [rows, columns], one for each point. They do not begin at the same place of a page, or what belongs together at all points would meet in one set of the cache. */
const pointBytes = (rows: number, columns: number): number => Math.ceil((rows * columns * 4) / 128) * 128 + MATRIX_PAD

/** Whole images, or parts of one image, whose tiles go through all points together, and how many tiles those are at most. */
function groupOf(perImage: number) {
  const images = Math.max(1, Math.floor(TOGETHER / perImage))
  const parts = Math.ceil(perImage / TOGETHER)
  return { images, parts, tiles: Math.ceil((images * perImage) / parts) }
}

/** `work` gets a group's first image, its first tile counted from there, and how many. */
function eachGroup(images: number, perImage: number, work: (image: number, tile: number, tiles: number) => void): void {
  const group = groupOf(perImage)
  for (let image = 0; image < images; image += group.images) {
    const tiles = Math.min(group.images, images - image) * perImage
    for (let part = 0; part < group.parts; part++) {
      const tile = Math.floor((tiles * part) / group.parts)
      work(image, tile, Math.floor((tiles * (part + 1)) / group.parts) - tile)
    }
  }
}

/** A convolution by Winograd's algorithm; the input has winogradHalo around it. Each image's bits depend on nothing but that image and the filter. */
export function winogradConvolution(context: LoweringContext, places: ConvolutionPlaces, winograd: WinogradShape): ConvolutionSteps {
  const { kernels, run, batchSize, trains } = context
  const { shape, input, output, filter, bias, flags } = places
  const { axisPoints, down, across } = winograd
  const points = axisPoints ** 2
  const [height, width] = shape.output
  const [, , channels] = shape.input
  const { filters } = shape
  const perImage = down * across
  const group = groupOf(perImage)
  // the batch's images go through the filter's gradient in lots
  const lot = Math.min(batchSize, Math.max(1, Math.floor(LOT_BYTES / (perImage * points * 4 * (channels + filters)))))
  const lots = Math.ceil(batchSize / lot)
  const coarse = perImage * 2 < TOGETHER
  const runs = context.table([0])
  const panelPoint = pointBytes(channels, filters)
  const panels = context.allocate(points * panelPoint)
  // the filter's gradient takes the input's values once more: where they are one lot, it finds them there
  const [lotInput, lotOutput] = [pointBytes(lot * perImage, channels), pointBytes(lot * perImage, filters)]
  const kept = trains ? context.allocate(points * lotInput) : 0
  const keeps = trains && lots === 1
  const [groupInput, groupOutput] = [pointBytes(group.tiles, channels), pointBytes(group.tiles, filters)]
  context.needScratch(TRANSFORM_BYTES + points * (groupOutput + (keeps ? 0 : groupInput)))
  const x = input.address - shape.top * input.row - shape.left * channels * 4

  const inputValues = (image: number, tile: number, tiles: number, to: number, point: number): void =>
    kernels.winogradInput(
      x + image * input.image,
      input.image,
      input.row,
      channels,
      axisPoints,
      down,
      across,
      tile,
      tiles,
      to,
      point,
      run.scratch,
    )

  const prepare = byStretch('panels', filters, 8, (first, count) =>
    kernels.winogradFilter(filter, axisPoints, channels, filters, 0, first, count, panels, panelPoint, run.scratch),
  )
  const forward = byImages(
    run,
    (from, images) =>
      eachGroup(images, perImage, (image, tile, tiles) => {
        const products = run.scratch + TRANSFORM_BYTES
        const first = from + image
        const values = keeps ? kept + (first * perImage + tile) * channels * 4 : products + points * groupOutput
        const point = keeps ? lotInput : groupInput
        const y = output.address + first * output.image
        inputValues(first, tile, tiles, values, point)
        kernels.winogradProducts(values, point, panels, panelPoint, points, tiles, channels, filters, products, groupOutput, run.scratch)
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
          axisPoints,
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
    const values = context.allocate(points * lotOutput)
    const transposed = target ? context.allocate(points * panelPoint) : 0
    // the input as the tiles read it, with all that lies around
    const [rows, columns] = [(down - 1) * TILE_SIZE + axisPoints, (across - 1) * TILE_SIZE + axisPoints]
    const sumRow = columns * channels * 4
    const sumImage = rows * sumRow
    if (target) {
      context.needScratch(TRANSFORM_BYTES + points * groupInput + group.images * sumImage)
      steps.push(
        byStretch('panels', channels, 8, (first, count) =>
          kernels.winogradFilter(filter, axisPoints, channels, filters, 1, first, count, transposed, panelPoint, run.scratch),
        ),
      )
    }
    const toInput = (first: number, image: number, images: number, tile: number, tiles: number, from: number, to: Region): void => {
      const products = run.scratch + TRANSFORM_BYTES
      const sums = products + points * groupInput
      if (tile === 0) kernels.fillPixels(sums, sumImage, sumRow, Math.min(group.images, images - image), rows, sumRow)
      kernels.winogradProducts(from, lotOutput, transposed, panelPoint, points, tiles, filters, channels, products, groupInput, run.scratch)
      kernels.winogradInputGradient(
        products,
        groupInput,
        tile,
        tiles,
        sums,
        sumImage,
        sumRow,
        channels,
        axisPoints,
        down,
        across,
        run.scratch,
      )
      const over = (tile + tiles) / perImage
      if (!Number.isInteger(over)) return
      const inside = sums + shape.top * sumRow + shape.left * channels * 4
      const dx = to.address + first * to.image
      kernels.copyPixels(inside, sumImage, sumRow, dx, to.image, to.row, over, shape.input[0], shape.input[1] * channels * 4)
    }
    /** Values at the points of some of a lot's images, counted from the batch's image `start`; and what follows from them for the input. */
    const toPoints = (start: number, from: number, images: number): void =>
      eachGroup(images, perImage, (image, tile, tiles) => {
        const inLot = from + image
        const first = start + inLot
        const place = inLot * perImage + tile
        const to = values + place * filters * 4
        const dy = gradient.address + first * gradient.image
        if (filterTarget && !keeps) inputValues(first, tile, tiles, kept + place * channels * 4, lotInput)
        kernels.winogradGradient(
          dy,
          gradient.image,
          gradient.row,
          height,
          width,
          filters,
          axisPoints,
          down,
          across,
          tile,
          tiles,
          to,
          lotOutput,
          run.scratch,
        )
        if (target) toInput(first, image, images, tile, tiles, to, target)
      })
    const sums = filterTarget ? context.allocate(points * panelPoint) : 0
    for (let start = 0; start < batchSize; start += lot) {
      const images = (): number => Math.max(0, Math.min(lot, run.images - start))
      const work = (from: number, count: number): void => toPoints(start, from, count)
      steps.push(lots === 1 ? byImages(run, work, coarse) : { share: 'values', count: images, unit: 1, coarse, work })
      if (filterTarget)
        steps.push(
          byStretch('values', points, 1, (point, own) =>
            kernels.winogradSums(
              kept + point * lotInput,
              lotInput,
              values + point * lotOutput,
              lotOutput,
              images() * perImage,
              channels,
              filters,
              own,
              sums + point * panelPoint,
              panelPoint,
              start === 0 ? 0 : 1,
              runs,
              run.scratch,
            ),
          ),
        )
    }
    if (filterTarget) {
      context.needScratch(8192 + 4 * filters)
      steps.push(
        byStretch('weights', channels, 1, (first, count) =>
          kernels.winogradFilterGradient(
            sums,
            panelPoint,
            axisPoints,
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
