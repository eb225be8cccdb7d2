import { cnn, mlp } from '../../../shared/compute/architectures.ts'
import type { Topology } from '../../../shared/compute/model.ts'

/**
 * A network to take steps with. `flops` per example and step, multiplications and additions apart: forward, filter gradient, input gradient where one is needed. `doneFlops` are those that the
 * plan takes for them in products, fewer where convolutions go by tiles.
 */
export type Network = {
  readonly topology: Topology
  readonly input: readonly number[]
  readonly classes: number
  readonly flops: number
  readonly doneFlops: number
}

const product = (...factors: number[]): number => 2 * factors.reduce((a, b) => a * b, 1)

/** The CNN of McMahan et al. 2017 for MNIST: 1,663,370 parameters. */
export const mcMahan: Network = {
  topology: cnn({
    inputShape: [28, 28, 1],
    classes: 10,
    blocks: [
      { filters: 32, kernel: 5, pool: 2, padding: 'same' },
      { filters: 64, kernel: 5, pool: 2, padding: 'same' },
    ],
    hidden: [512],
  }),
  input: [28, 28, 1],
  classes: 10,
  // the first layer needs no input gradient
  flops: 2 * product(784, 25, 32) + 3 * (product(196, 800, 64) + product(3136, 512) + product(512, 10)),
  // the second layer by 16 tiles at 64 points
  doneFlops: 2 * product(784, 25, 32) + 3 * (product(16, 64, 32, 64) + product(3136, 512) + product(512, 10)),
}

/** Their 2NN. */
export const twoLayers: Network = {
  topology: mlp({ inputShape: [784], classes: 10, hidden: [200, 200] }),
  input: [784],
  classes: 10,
  flops: 2 * product(784, 200) + 3 * (product(200, 200) + product(200, 10)),
  doneFlops: 2 * product(784, 200) + 3 * (product(200, 200) + product(200, 10)),
}

const layer = (class_name: string, name: string, config: Record<string, unknown>) => ({
  class_name,
  config: { name, trainable: true, ...config },
})

const sequential = (layers: readonly unknown[]): Topology =>
  ({
    class_name: 'Sequential',
    config: { name: 'bench', layers },
    keras_version: 'tfjs-layers 4.22.0',
    backend: 'tensor_flow.js',
  }) as unknown as Topology

const separable = (name: string, filters: number, stride: number) =>
  layer('SeparableConv2D', name, {
    filters,
    kernel_size: [3, 3],
    strides: [stride, stride],
    padding: 'same',
    data_format: 'channels_last',
    depth_multiplier: 1,
    activation: 'relu',
    use_bias: true,
  })

/** Depthwise-separable blocks over 28x28 images, after MobileNet. */
export const separables: Network = {
  topology: sequential([
    layer('Conv2D', 'stem', {
      filters: 16,
      kernel_size: [3, 3],
      strides: [1, 1],
      padding: 'same',
      data_format: 'channels_last',
      activation: 'relu',
      use_bias: true,
      batch_input_shape: [null, 28, 28, 1],
      dtype: 'float32',
    }),
    separable('sep_1', 32, 2),
    separable('sep_2', 64, 2),
    separable('sep_3', 64, 1),
    layer('Flatten', 'flatten', {}),
    layer('Dense', 'output', { units: 10, activation: 'softmax', use_bias: true }),
  ]),
  input: [28, 28, 1],
  classes: 10,
  flops: Number.NaN,
  doneFlops: Number.NaN,
}

/** An LSTM that reads an image row by row. */
export const recurrent: Network = {
  topology: sequential([
    layer('LSTM', 'lstm', {
      units: 64,
      activation: 'tanh',
      recurrent_activation: 'sigmoid',
      use_bias: true,
      unit_forget_bias: true,
      // tfjs's own choice, orthogonal, needs chained operations that its core does not register
      recurrent_initializer: { class_name: 'VarianceScaling', config: { scale: 1, mode: 'fan_avg', distribution: 'uniform', seed: null } },
      return_sequences: false,
      batch_input_shape: [null, 28, 28],
      dtype: 'float32',
    }),
    layer('Dense', 'output', { units: 10, activation: 'softmax', use_bias: true }),
  ]),
  input: [28, 28],
  classes: 10,
  flops: Number.NaN,
  doneFlops: Number.NaN,
}
