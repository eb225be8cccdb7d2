import { must } from '../core/assert.ts'
import { shapeMismatch, sizeOf } from '../tensor/tensor.ts'
import {
  add,
  concat,
  div,
  maximum,
  minimum,
  mul,
  norm,
  reshape,
  type Scalar,
  slice,
  sqrt,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  tensor,
  tidy,
  type Variable,
  zeros,
} from './tf.ts'

export type OptimizerOptions =
  /** Plain or momentum SGD (Sutskever et al. 2013). `weightDecay` is decoupled: it shrinks weights by rate * weightDecay each step. */
  | { readonly kind: 'sgd'; readonly momentum?: number; readonly nesterov?: boolean; readonly weightDecay?: number }
  /** Adam (Kingma and Ba 2015), with decoupled weight decay when given (AdamW, Loshchilov and Hutter 2019). */
  | { readonly kind: 'adam'; readonly beta1?: number; readonly beta2?: number; readonly epsilon?: number; readonly weightDecay?: number }

export type UpdateOptions = {
  readonly optimizer: OptimizerOptions
  /** Shrinks the gradient to this L2 norm over all weights when it is longer (Pascanu et al. 2013). */
  readonly clipNorm?: number | undefined
  /** Adds mu/2 |w - w0|^2 to the loss, w0 being the weights at the start: FedProx (Li et al. 2020). */
  readonly proximal?: number | undefined
}

export type Optimizer = {
  /** One step on the variables it was made for. `gradients` are in their order and are not disposed. */
  apply(gradients: readonly Tensor[], learningRate: number): void
  /** Velocity or moments, flat in the order of the variables, and the steps taken. */
  state(): Promise<{ optimizer: Float32Array<ArrayBuffer>[]; steps: number }>
  restore(state: { readonly optimizer: readonly Float32Array<ArrayBuffer>[]; readonly steps: number }): void
  dispose(): void
}

/**
 * Treats all weights as one flat vector: a step is a dozen tensor operations whatever the number of layers, on every backend.
 * The state is flat, in the order of `variables`.
 */
export function makeOptimizer({ optimizer: options, clipNorm, proximal }: UpdateOptions, variables: readonly Variable[]): Optimizer {
  const sizes = variables.map((variable) => sizeOf(variable.shape))
  const total = sizes.reduce((a, b) => a + b, 0)
  const flat = (tensors: readonly Tensor[]): Tensor1D => concat(tensors.map((t) => reshape(t, [-1]) as Tensor1D))
  const state: Tensor[] = options.kind === 'adam' ? [zeros([total]), zeros([total])] : options.momentum ? [zeros([total])] : []
  const anchor = proximal ? tidy(() => flat(variables)) : undefined
  let steps = 0
  const replaceState = (at: number, next: Tensor): Tensor => {
    state[at]?.dispose()
    state[at] = next
    return next
  }
  /** The gradient with the proximal term's, clipped. */
  const changed = (gradient: Tensor, weights: Tensor): Tensor => {
    const whole = anchor && proximal ? add(gradient, mul(sub(weights, anchor), proximal)) : gradient
    return clipNorm === undefined ? whole : mul(whole, minimum(div(clipNorm, maximum(norm(whole), 1e-30)), 1))
  }
  const direction = (gradient: Tensor, kept: Tensor[]): Tensor => {
    if (options.kind === 'sgd') {
      const momentum = options.momentum
      if (!momentum) return gradient
      const velocity = add(mul(must(state[0], 'velocity'), momentum), gradient)
      kept.push(velocity)
      return options.nesterov === true ? add(gradient, mul(velocity, momentum)) : velocity
    }
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options
    const first = add(mul(must(state[0], 'first moment'), beta1), mul(gradient, 1 - beta1))
    const second = add(mul(must(state[1], 'second moment'), beta2), mul(square(gradient), 1 - beta2))
    kept.push(first, second)
    const correction = Math.sqrt(1 - beta2 ** steps)
    return div(mul(first, correction / (1 - beta1 ** steps)), add(sqrt(second), epsilon * correction))
  }
  return {
    apply(gradients, learningRate) {
      steps += 1
      const kept: Tensor[] = []
      const held = tidy(() => {
        const weights = flat(variables)
        const step = mul(direction(changed(flat(gradients), weights), kept), learningRate as unknown as Scalar)
        const shrunk = options.weightDecay ? mul(weights, 1 - learningRate * options.weightDecay) : weights
        return [sub(shrunk, step), ...kept]
      })
      const [next, ...moments] = held
      for (const [at, moment] of moments.entries()) replaceState(at, moment)
      const values = must(next, 'the new weights')
      let from = 0
      for (const [i, variable] of variables.entries()) {
        const size = sizes[i] ?? 0
        const part = tidy(() => reshape(slice(values, [from], [size]), variable.shape))
        variable.assign(part)
        part.dispose()
        from += size
      }
      values.dispose()
    },
    async state() {
      const optimizer = await Promise.all(state.map(async (kept) => Float32Array.from(await kept.data())))
      return { optimizer, steps }
    },
    restore(from) {
      if (from.optimizer.length !== state.length || from.optimizer.some(({ length }) => length !== total))
        throw shapeMismatch('optimizer state', `${state.length} vectors of ${total} values`, 'others')
      for (const [at, values] of from.optimizer.entries()) replaceState(at, tensor(values, [total]))
      steps = from.steps
    },
    dispose() {
      anchor?.dispose()
      for (const kept of state) kept.dispose()
    },
  }
}
