import { sizeOf } from '../../../tensor/tensor.ts'
import type { Activation, LayerToLower, Lowering, LoweringContext, Lowerings } from '../lowering.ts'
import type { Region } from '../region.ts'
import { byImages, type Step } from '../share.ts'

type Merge = (context: LoweringContext, layer: LayerToLower, inputs: readonly Activation[]) => Activation

/** Merges value by value: all inputs have one shape. */
const alike = (merge: Merge): Lowering => ({
  lower(context, layer, inputs) {
    const [first] = inputs
    if (first === undefined || inputs.length < 2) return context.refuse(`it merges ${inputs.length} inputs`)
    for (const { shape } of inputs)
      if (shape.join() !== first.shape.join()) context.refuse(`it merges [${first.shape.join()}] with [${shape.join()}]`)
    return merge(context, layer, inputs)
  },
})

/** The sum of the inputs, times `share`. */
const summed =
  (share: (count: number) => number): Merge =>
  (context, _, inputs) => {
    const { kernels, run } = context
    const [first] = inputs
    if (first === undefined) return context.refuse('it has no input')
    const size = sizeOf(first.shape)
    const factor = share(inputs.length)
    const output = context.output(first.shape)
    const y = output.value.address
    const forward = byImages(run, (image, images) => {
      const [at, count] = [image * size * 4, images * size]
      kernels.scale(first.value.address + at, y + at, count, factor, 0)
      for (const { value } of inputs.slice(1)) kernels.addScaled(y + at, value.address + at, count, factor)
    })
    context.forward(forward)
    const dy = output.gradient?.address
    for (const input of inputs) {
      const target = context.gradientOf(input)
      if (target && dy !== undefined)
        context.backward(
          byImages(run, (image, images) => {
            const at = image * size * 4
            kernels.scale(dy + at, target.address + at, images * size, factor, 0)
          }),
        )
    }
    return output
  }

const multiplied: Merge = (context, _, inputs) => {
  const { kernels, run } = context
  const [first, second, ...rest] = inputs
  if (first === undefined || second === undefined) return context.refuse('it has fewer than two inputs')
  const size = sizeOf(first.shape)
  const output = context.output(first.shape)
  const y = output.value.address
  const times = (a: number, b: number, to: number): Step =>
    byImages(run, (image, images) => {
      const at = image * size * 4
      kernels.product(a + at, b + at, to + at, images * size)
    })
  context.forward(times(first.value.address, second.value.address, y), ...rest.map(({ value }) => times(y, value.address, y)))
  const dy = output.gradient?.address
  for (const [at, input] of inputs.entries()) {
    const target = context.gradientOf(input)
    if (!target || dy === undefined) continue
    const others = inputs.filter((_, other) => other !== at)
    context.backward(...others.map(({ value }, i) => times(i === 0 ? dy : target.address, value.address, target.address)))
  }
  return output
}

const extreme =
  (least: 0 | 1): Merge =>
  (context, _, inputs) => {
    const { kernels, run } = context
    const [a, b] = inputs
    if (a === undefined || b === undefined || inputs.length > 2) return context.refuse(`it merges ${inputs.length} inputs`)
    const size = sizeOf(a.shape)
    const output = context.output(a.shape)
    const [left, right, y] = [a.value.address, b.value.address, output.value.address]
    context.forward(
      byImages(run, (image, images) => {
        const at = image * size * 4
        kernels.extreme(left + at, right + at, y + at, images * size, least)
      }),
    )
    const dy = output.gradient?.address
    for (const [second, input] of [a, b].entries()) {
      const target = context.gradientOf(input)
      if (target && dy !== undefined)
        context.backward(
          byImages(run, (image, images) => {
            const at = image * size * 4
            kernels.extremeGradient(left + at, right + at, dy + at, target.address + at, images * size, least, second)
          }),
        )
    }
    return output
  }

/** The scalar product of two vectors. */
const dot: Merge = (context, { config }, inputs) => {
  const { kernels, run } = context
  const [a, b] = inputs
  if (a === undefined || b === undefined || a.shape.length !== 1) return context.refuse('its inputs are not two vectors')
  if (config['normalize'] === true) context.refuse('normalize is set')
  const [width = 1] = a.shape
  const output = context.output([1])
  const [left, right, y] = [a.value.address, b.value.address, output.value.address]
  const row = width * 4
  context.forward(
    byImages(run, (first, images) => kernels.rowProducts(left + first * row, right + first * row, y + first * 4, images, width)),
  )
  const dy = output.gradient?.address
  for (const [input, other] of [
    [a, right],
    [b, left],
  ] as const) {
    const target = context.gradientOf(input)
    if (target && dy !== undefined)
      context.backward(
        byImages(run, (first, images) =>
          kernels.scaleRows(other + first * row, dy + first * 4, target.address + first * row, images, width),
        ),
      )
  }
  return output
}

/** Joined along one axis: each input's runs, from that axis inwards, lie side by side in the answer. */
const concatenate: Lowering = {
  lower(context, { config }, inputs) {
    const { kernels, run } = context
    const [first] = inputs
    if (first === undefined) return context.refuse('it has no input')
    const given = Number(config['axis'] ?? -1)
    const axis = given < 0 ? first.shape.length + given : given - 1
    if (axis < 0 || axis >= first.shape.length) context.refuse(`axis is ${given}`)
    const shape = first.shape.map((size, i) => (i === axis ? inputs.reduce((sum, input) => sum + (input.shape[i] ?? 0), 0) : size))
    const outer = sizeOf(shape.slice(0, axis))
    const wide = sizeOf(shape.slice(axis))
    const output = context.output(shape)
    let column = 0
    for (const input of inputs) {
      const length = sizeOf(input.shape.slice(axis))
      const start = column * 4
      const from = context.table(Array.from({ length: outer }, (_, i) => i * length * 4))
      const to = context.table(Array.from({ length: outer }, (_, i) => start + i * wide * 4))
      const moved = (a: Region, offsets: number, b: Region, places: number) =>
        byImages(run, (image, images) => {
          const [source, goal] = [a.address + image * a.image, b.address + image * b.image]
          kernels.moveRuns(source, a.image, offsets, goal, b.image, places, outer, length, images, 0)
        })
      context.forward(moved(input.value, from, output.value, to))
      const target = context.gradientOf(input)
      const { gradient } = output
      if (target && gradient) context.backward(moved(gradient, to, target, from))
      column += length
    }
    return output
  },
}

export const mergeLowerings: Lowerings = {
  Add: alike(summed(() => 1)),
  Average: alike(summed((count) => 1 / count)),
  Multiply: alike(multiplied),
  Maximum: alike(extreme(0)),
  Minimum: alike(extreme(1)),
  Dot: alike(dot),
  Concatenate: concatenate,
}
