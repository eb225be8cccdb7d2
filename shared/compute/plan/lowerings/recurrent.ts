import type { JsonObject } from '../../../core/json.ts'
import { refuseOptions, refusePenalties } from '../config.ts'
import type { Activation, LayerToLower, Lowering, LoweringContext, Lowerings } from '../lowering.ts'
import type { Region } from '../region.ts'
import { denseLowerings } from './dense.ts'
import { gruCell, lstmCell, simpleCell } from './recurrent-cells.ts'
import { lowerRecurrence, type Recurrence } from './recurrent-core.ts'

const CELLS = { SimpleRNN: { cell: simpleCell, gates: 1 }, LSTM: { cell: lstmCell, gates: 4 }, GRU: { cell: gruCell, gates: 3 } } as const

const isCell = (name: string): name is Recurrence['kind'] => Object.hasOwn(CELLS, name)

/** Refuses what the kernels do not compute. */
function check(context: LoweringContext, layer: LayerToLower): Recurrence['kind'] {
  const { className, config } = layer
  if (!isCell(className)) return context.refuse(`it holds a ${className}`)
  refusePenalties(context, layer)
  refuseOptions(context, layer, 'stateful', 'returnState', 'resetAfter')
  if (config['activation'] !== 'tanh') context.refuse(`activation is ${String(config['activation'])}`)
  const gate = config['recurrentActivation']
  if (className !== 'SimpleRNN' && gate !== 'sigmoid' && gate !== 'hardSigmoid') context.refuse(`recurrentActivation is ${String(gate)}`)
  if (context.trains)
    for (const option of ['dropout', 'recurrentDropout']) if (Number(config[option] ?? 0) > 0) context.refuse(`${option} is set`)
  return className
}

type Direction = Pick<Recurrence, 'input' | 'target' | 'adds' | 'output' | 'column' | 'rowFloats' | 'inOrder' | 'backwards'>

function lowerDirection(context: LoweringContext, layer: LayerToLower, prefix: string, direction: Direction): void {
  const kind = check(context, layer)
  const { config } = layer
  const [kernel, recurrent] = [context.weight(`${prefix}kernel`), context.weight(`${prefix}recurrent_kernel`)]
  if (kernel === undefined || recurrent === undefined) return context.refuse('it lacks its kernels')
  const { cell, gates } = CELLS[kind]
  const recurrence: Recurrence = {
    ...direction,
    kind,
    units: Number(config['units']),
    hard: config['recurrentActivation'] === 'hardSigmoid',
    kernel,
    recurrent,
    bias: context.weight(`${prefix}bias`),
    sequences: config['returnSequences'] === true,
  }
  lowerRecurrence(context, recurrence, gates, cell)
}

const shapeOf = ({ config }: LayerToLower, [steps = 1]: readonly number[], width: number): readonly number[] =>
  config['returnSequences'] === true ? [steps, width] : [width]

const recurrent: Lowering = {
  lower(context, layer, inputs) {
    const [input] = inputs
    if (input === undefined || inputs.length !== 1) return context.refuse('it takes its first state from another layer')
    const units = Number(layer.config['units'])
    const output = context.output(shapeOf(layer, input.shape, units))
    const target = context.gradientOf(input)
    const backwards = layer.config['goBackwards'] === true
    lowerDirection(context, layer, '', { input, target, adds: false, output, column: 0, rowFloats: units, inOrder: false, backwards })
    return output
  },
}

/** The layer that a wrapper holds. */
function innerOf(context: LoweringContext, { name, config }: LayerToLower, option: string): LayerToLower {
  const inner = config[option] as JsonObject | undefined
  const className = inner?.['className'] ?? inner?.['class_name']
  if (inner === undefined || typeof className !== 'string') return context.refuse(`it has no ${option}`)
  return { name, className, config: inner['config'] as JsonObject }
}

/** Two directions side by side. The one emitted second is the first to run backwards, so the other adds its gradient to that. */
const bidirectional: Lowering = {
  lower(context, layer, [input, ...more]) {
    if (input === undefined || more.length > 0) return context.refuse('it takes its first state from another layer')
    if (layer.config['mergeMode'] !== 'concat') context.refuse(`mergeMode is ${String(layer.config['mergeMode'])}`)
    const inner = innerOf(context, layer, 'layer')
    const units = Number(inner.config['units'])
    const output = context.output(shapeOf(inner, input.shape, 2 * units))
    const target: Region | undefined = context.gradientOf(input)
    const own = String(inner.config['name'])
    for (const [prefix, backwards] of [
      ['forward_', false],
      ['backward_', true],
    ] as const)
      lowerDirection(context, inner, `${prefix}${own.replace(/^forward_/, '')}/`, {
        input,
        target,
        adds: !backwards,
        output,
        column: backwards ? units : 0,
        rowFloats: 2 * units,
        inOrder: true,
        backwards,
      })
    return output
  },
}

/** A dense layer, which works on the last axis anyway. */
const timeDistributed: Lowering = {
  lower(context, layer, inputs: readonly Activation[]) {
    const inner = innerOf(context, layer, 'layer')
    if (inner.className !== 'Dense') return context.refuse(`it holds a ${inner.className}`)
    return denseLowerings['Dense']?.lower(context, inner, inputs) ?? context.refuse('there is no dense layer')
  },
}

export const recurrentLowerings: Lowerings = {
  SimpleRNN: recurrent,
  LSTM: recurrent,
  GRU: recurrent,
  Bidirectional: bidirectional,
  TimeDistributed: timeDistributed,
}
