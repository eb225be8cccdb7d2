import type { Json } from '../../core/json.ts'
import type { LayerToLower, LoweringContext } from './lowering.ts'

// Reading a layer's configuration. What a lowering does not look at must be refused, or it would compute something else.

/** A number, or the first two numbers of a list: [2, 3] from 2 would be [2, 2]. */
export function pairOf(value: Json | undefined): readonly [number, number] {
  if (Array.isArray(value)) return [Number(value[0]), Number(value[1] ?? value[0])]
  return [Number(value), Number(value)]
}

const isSet = (value: Json | undefined): boolean => value !== undefined && value !== null && value !== false

/** Refuses the layer when one of these options is set. */
export function refuseOptions(context: LoweringContext, layer: LayerToLower, ...names: readonly string[]): void {
  for (const name of names) if (isSet(layer.config[name])) context.refuse(`${name} is set`)
}

/** Options that change the loss or the weights beside the gradient; only a plan that trains minds them. */
export function refusePenalties(context: LoweringContext, layer: LayerToLower): void {
  if (!context.trains) return
  for (const name of Object.keys(layer.config))
    if (name.endsWith('Regularizer') || name.endsWith('Constraint')) refuseOptions(context, layer, name)
}

/** Flags of the kernels that apply an activation as they store; undefined where it takes a pass of its own. */
export function storedActivation({ trains }: LoweringContext, activation: string): number | undefined {
  if (activation === 'linear') return 0
  if (activation === 'relu') return 1
  // its gradient is taken by a kernel that reads what came before it
  return activation === 'relu6' && !trains ? 1 + 8 : undefined
}

export const activationOf = ({ config }: LayerToLower): string => {
  const activation = config['activation']
  return typeof activation === 'string' ? activation : 'linear'
}
