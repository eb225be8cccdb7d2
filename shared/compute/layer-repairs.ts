import { must } from '../core/assert.ts'
import { seededRandom } from '../core/random.ts'
import { orthogonalValues } from './orthogonal.ts'
import {
  add,
  cast,
  dropout,
  greaterEqual,
  mul,
  ones,
  pad,
  randomNormal,
  randomUniform,
  reshape,
  serialization,
  slice,
  type Tensor,
  tensor,
  tidy,
} from './tf.ts'

type Shape = (number | null)[]
type Kwargs = { readonly training?: boolean }
type Parameter = { read(): Tensor }
/** What the repairs touch of a layer of tfjs-layers 4.22, most of which its types keep to themselves. */
type Layer = {
  seed?: number
  rate: number
  stddev: number
  height: number
  width: number
  kernel: Parameter
  dilationRate: number | readonly number[]
  gamma: Parameter | null | undefined
  beta: Parameter | null | undefined
  axis: number
  call(inputs: Tensor | Tensor[], kwargs: Kwargs): Tensor | Tensor[]
  build(shape: Shape): void
  computeOutputShape(shape: Shape): Shape
}

function patch<K extends 'call' | 'build' | 'computeOutputShape'>(className: string, method: K, make: (stock: Layer[K]) => Layer[K]): void {
  const [layerClass] = must(serialization.SerializationMap.getMap().classNameMap[className], className)
  const prototype = layerClass.prototype as Layer
  prototype[method] = make(prototype[method])
}

const only = (inputs: Tensor | Tensor[]): Tensor => (Array.isArray(inputs) ? must(inputs[0], 'an input') : inputs)

/** Zeros between the filter's taps along one axis, so that an undilated convolution with it is the dilated one. */
function spread(filter: Tensor, axis: number, rate: number): Tensor {
  const taps = must(filter.shape[axis], 'taps')
  if (rate === 1 || taps === 1) return filter
  const [before, after] = [filter.shape.slice(0, axis), filter.shape.slice(axis + 1)]
  const size = (dims: number[]): number => dims.reduce((a, b) => a * b, 1)
  const spaced = pad(reshape(filter, [size(before) * taps, 1, size(after)]), [
    [0, 0],
    [0, rate - 1],
    [0, 0],
  ])
  const width = (taps - 1) * rate + 1
  return reshape(slice(reshape(spaced, [size(before), taps * rate, size(after)]), [0, 0, 0], [-1, width, -1]), [...before, width, ...after])
}

/** tfjs has no gradient for dilated convolutions; in training they run as plain ones with a spread filter. */
function undilated(stock: Layer['call']): Layer['call'] {
  return function (this: Layer, inputs, kwargs) {
    const rates = [this.dilationRate].flat()
    if (kwargs.training !== true || rates.every((rate) => rate === 1)) return stock.call(this, inputs, kwargs)
    const { kernel, dilationRate } = this
    return tidy(() => {
      const filter = rates.reduce((spreading, rate, axis) => spread(spreading, axis, rate), kernel.read())
      Object.assign(this, { kernel: { read: () => filter }, dilationRate: rates.map(() => 1) })
      try {
        return stock.call(this, inputs, kwargs)
      } finally {
        Object.assign(this, { kernel, dilationRate })
      }
    })
  }
}

/** Noise layers of tfjs take no seed: the same run would not repeat. With `seed` set they draw from it. */
function seeded(noise: (x: Tensor, layer: Layer, seed: number) => Tensor): (stock: Layer['call']) => Layer['call'] {
  return (stock) =>
    function (this: Layer, inputs, kwargs) {
      const seed = this.seed
      if (kwargs.training !== true || seed === undefined) return stock.call(this, inputs, kwargs)
      return tidy(() => noise(only(inputs), this, seed))
    }
}

/** Keeps mean and variance of SELU's outputs (Klambauer et al. 2017, section 3): dropped values become -alpha * scale. */
function alphaDropout(x: Tensor, { rate }: Layer, seed: number): Tensor {
  const low = -1.6732632423543772 * 1.0507009873554805
  const kept = cast(greaterEqual(randomUniform(x.shape, 0, 1, 'float32', seed), rate), 'float32')
  const a = ((1 - rate) * (1 + rate * low ** 2)) ** -0.5
  return add(mul(add(mul(x, kept), mul(add(kept, -1), low)), a), -a * low * rate)
}

/** Dropout inside recurrent cells of one layer, from a seed: every mask another one. */
export function seededCellDropout(seed: number): (x: Tensor, rate: number) => Tensor {
  const random = seededRandom(seed)
  return (x, rate) => dropout(x, rate, undefined, 1 + random.integer(2 ** 31 - 2))
}

let repaired = false

/** Repairs what in tfjs-layers 4.22 keeps a layer from training, from repeating itself, or from standing in a model. Once per process. */
export function repairLayers(): void {
  if (repaired) return
  repaired = true
  const classes = serialization.SerializationMap.getMap().classNameMap
  // every recurrent layer begins with this unless told otherwise, and it needs methods of tensors that only the union package has
  const orthogonal = must(classes['Orthogonal'], 'Orthogonal')[0].prototype as {
    gain: number
    seed?: number | null
    apply(shape: number[]): Tensor
  }
  orthogonal.apply = function (shape) {
    return tensor(orthogonalValues(shape, this.gain, this.seed), shape)
  }
  // the loader turns `gelu_new` into camel case before it looks the activation up
  classes['geluNew'] = must(classes['gelu_new'], 'gelu_new')
  for (const name of ['Conv1D', 'Conv2D', 'Conv3D']) patch(name, 'call', undilated)
  patch(
    'GaussianNoise',
    'call',
    seeded((x, { stddev }, seed) => add(x, randomNormal(x.shape, 0, stddev, 'float32', seed))),
  )
  patch(
    'GaussianDropout',
    'call',
    seeded((x, { rate }, seed) => mul(x, randomNormal(x.shape, 1, Math.sqrt(rate / (1 - rate)), 'float32', seed))),
  )
  patch('AlphaDropout', 'call', seeded(alphaDropout))
  // without scale or centre, training reads a weight that is not there
  patch(
    'BatchNormalization',
    'build',
    (stock) =>
      function (this: Layer, shape) {
        stock.call(this, shape)
        const size = must(shape.at(this.axis), 'a size of the normalised axis')
        this.gamma ??= { read: () => ones([size]) }
        this.beta ??= { read: () => mul(ones([size]), 0) }
      },
  )
  // these write into the shape they are given, which is the shape of the layer before
  for (const name of ['CategoryEncoding', 'CenterCrop'])
    patch(
      name,
      'computeOutputShape',
      (stock) =>
        function (this: Layer, shape) {
          return stock.call(this, [...shape])
        },
    )
  // these take one tensor for a list of numbers when it comes in a list
  for (const name of ['CenterCrop', 'RandomWidth', 'Resizing'])
    patch(
      name,
      'call',
      (stock) =>
        function (this: Layer, inputs, kwargs) {
          return stock.call(this, only(inputs), kwargs)
        },
    )
  // both answer a shape without the batch
  patch('RandomWidth', 'computeOutputShape', () => (shape) => shape.map((size, axis) => (axis === shape.length - 2 ? null : size)))
  patch(
    'Resizing',
    'computeOutputShape',
    () =>
      function (this: Layer, shape) {
        return [...shape.slice(0, -3), this.height, this.width, must(shape.at(-1), 'channels')]
      },
  )
}
