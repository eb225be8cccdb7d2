import type { Lowering, Lowerings } from '../lowering.ts'

/** Only the shape changes: the values stay where they are. */
const sameValues: Lowering = {
  lower(context, layer, [input]) {
    if (input === undefined) return context.refuse('it has no input')
    if (layer.config['dataFormat'] === 'channelsFirst') context.refuse('dataFormat is channelsFirst')
    const shape = layer.className === 'Flatten' ? [input.shape.reduce((a, b) => a * b, 1)] : (layer.config['targetShape'] as number[])
    const size = input.shape.reduce((a, b) => a * b, 1)
    const known = shape.reduce((a, b) => (b === -1 ? a : a * b), 1)
    return context.alias(
      input,
      shape.map((dimension) => (dimension === -1 ? size / known : dimension)),
    )
  },
}

export const reshapeLowerings: Lowerings = { Flatten: sameValues, Reshape: sameValues }
