import type { JsonObject } from '../core/json.ts'
import type { Topology } from './model.ts'

/** A layer of a sequential topology, in tfjs's (Keras's) own JSON. Weights start seeded by trainModel, biases at zero. */
export const layer = (class_name: string, name: string, config: JsonObject): JsonObject => ({
  class_name,
  config: { name, trainable: true, ...config },
})

export const glorot: JsonObject = {
  class_name: 'VarianceScaling',
  config: { scale: 1, mode: 'fan_avg', distribution: 'uniform', seed: null },
}
const he: JsonObject = { class_name: 'VarianceScaling', config: { scale: 2, mode: 'fan_in', distribution: 'normal', seed: null } }

const dense = (name: string, units: number, activation: string): JsonObject =>
  layer('Dense', name, { units, activation, use_bias: true, kernel_initializer: activation === 'relu' ? he : glorot })

export function sequential(name: string, inputShape: readonly number[], layers: readonly JsonObject[]): Topology {
  const [first, ...rest] = layers
  const config = { ...(first?.['config'] as JsonObject), batch_input_shape: [null, ...inputShape], dtype: 'float32' }
  return {
    class_name: 'Sequential',
    config: { name, layers: [{ ...first, config }, ...rest] },
    keras_version: 'tfjs-layers 4.22.0',
    backend: 'tensor_flow.js',
  }
}

/** Softmax for two classes and more, a single sigmoid for `classes: 1`, one number as it is for `classes: 0` (regression). */
export const head = (classes: number): JsonObject =>
  classes === 0 ? dense('output', 1, 'linear') : dense('output', classes, classes === 1 ? 'sigmoid' : 'softmax')

const flatten = (inputShape: readonly number[]): JsonObject[] => (inputShape.length > 1 ? [layer('Flatten', 'flatten', {})] : [])

/** Multinomial logistic regression; linear regression for `classes: 0`. */
export const linear = (options: { inputShape: readonly number[]; classes: number }): Topology =>
  sequential('linear', options.inputShape, [...flatten(options.inputShape), head(options.classes)])

/** Fully connected layers with ReLU, `hidden` units each. */
export function mlp(options: { inputShape: readonly number[]; classes: number; hidden: readonly number[]; dropout?: number }): Topology {
  const hidden = options.hidden.flatMap((units, i) => [
    dense(`hidden_${i + 1}`, units, 'relu'),
    ...(options.dropout ? [layer('Dropout', `dropout_${i + 1}`, { rate: options.dropout })] : []),
  ])
  return sequential('mlp', options.inputShape, [...flatten(options.inputShape), ...hidden, head(options.classes)])
}

export type ConvBlock = {
  readonly filters: number
  readonly kernel: number
  readonly stride?: number
  readonly pool?: number
  readonly padding?: 'valid' | 'same'
}

/** Convolutions with ReLU, each with an optional stride and max pooling, then fully connected layers. `inputShape` is [height, width, channels]. */
export function cnn(options: {
  inputShape: readonly [number, number, number]
  classes: number
  blocks: readonly ConvBlock[]
  hidden?: readonly number[]
  dropout?: number
}): Topology {
  const blocks = options.blocks.flatMap(({ filters, kernel, stride = 1, pool, padding = 'valid' }, i) => [
    layer('Conv2D', `conv_${i + 1}`, {
      filters,
      kernel_size: [kernel, kernel],
      strides: [stride, stride],
      padding,
      data_format: 'channels_last',
      dilation_rate: [1, 1],
      activation: 'relu',
      use_bias: true,
      kernel_initializer: he,
    }),
    ...(pool === undefined
      ? []
      : [
          layer('MaxPooling2D', `pool_${i + 1}`, {
            pool_size: [pool, pool],
            strides: [pool, pool],
            padding: 'valid',
            data_format: 'channels_last',
          }),
        ]),
  ])
  const hidden = (options.hidden ?? []).map((units, i) => dense(`hidden_${i + 1}`, units, 'relu'))
  const dropout = options.dropout ? [layer('Dropout', 'dropout', { rate: options.dropout })] : []
  return sequential('cnn', options.inputShape, [...blocks, layer('Flatten', 'flatten', {}), ...hidden, ...dropout, head(options.classes)])
}
