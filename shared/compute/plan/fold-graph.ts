import { must } from '../../core/assert.ts'
import type { NamedTensors, TensorData } from '../../tensor/tensor.ts'
import type { Graph, GraphNode, GraphWeight } from './graph.ts'

/** Layers that end in a product with a weight whose last axis (for depthwise ones the last two) are the channels of the answer, and that weight. */
const PRODUCTS: Readonly<Record<string, string>> = {
  Conv2D: 'kernel',
  DepthwiseConv2D: 'depthwise_kernel',
  SeparableConv2D: 'pointwise_kernel',
  Dense: 'kernel',
}

type Affine = { readonly product: string; readonly kernel: string; readonly normalization: GraphNode; readonly channels: number }

export type FoldedGraph = {
  readonly graph: Graph
  /** The weights of the folded graph from those of the given one, which have been checked. */
  readonly fold: (tensors: NamedTensors) => NamedTensors
}

const isLinear = ({ config }: GraphNode): boolean => config['activation'] === undefined || config['activation'] === 'linear'

/** What a layer that only applies a ReLU adds to the one before it. */
function reluOf({ className, config }: GraphNode): string | undefined {
  if (className === 'ReLU') {
    const most = config['maxValue'] ?? null
    return most === null ? 'relu' : most === 6 ? 'relu6' : undefined
  }
  const name = className === 'Activation' ? config['activation'] : undefined
  return name === 'relu' || name === 'relu6' ? name : undefined
}

/** In inference a normalisation of each channel by fixed averages is a factor and a summand. */
function affineOf(node: GraphNode, product: GraphNode): Affine | undefined {
  const part = Object.hasOwn(PRODUCTS, product.className) ? PRODUCTS[product.className] : undefined
  const axis = Number(node.config['axis'] ?? -1)
  if (node.className !== 'BatchNormalization' || part === undefined || (axis !== -1 && axis !== node.shape.length)) return undefined
  const kernel = product.weights.find(({ name }) => name.endsWith(`/${part}`))?.name
  return kernel === undefined ? undefined : { product: product.name, kernel, normalization: node, channels: node.shape.at(-1) ?? 1 }
}

function withBias(product: GraphNode, channels: number): GraphNode {
  const bias: GraphWeight = { name: biasOf(product.name), shape: [channels], trainable: false }
  const weights = product.weights.some(({ name }) => name === bias.name) ? product.weights : [...product.weights, bias]
  return { ...product, config: { ...product.config, useBias: true }, weights }
}

const biasOf = (layer: string): string => `${layer}/bias`

/**
 * A graph for inference only, in which layers took in what follows them and nobody else reads: batch normalisation, its factor multiplied into the kernel
 * (Jacob et al. 2018, 3.2), and ReLU and ReLU6. Two passes less over every image of networks like MobileNet.
 */
export function foldGraph({ nodes, inputs, outputs }: Graph): FoldedGraph {
  const readers = nodes.map(() => 0)
  for (const at of [...nodes.flatMap((node) => node.inputs), ...outputs]) readers[at] = (readers[at] ?? 0) + 1
  const kept: GraphNode[] = []
  const places: number[] = []
  const affines: Affine[] = []
  for (const node of nodes) {
    const [before] = node.inputs
    const at = before === undefined ? -1 : must(places[before], 'a place')
    const product = node.inputs.length === 1 && readers[before ?? -1] === 1 ? kept[at] : undefined
    if (product && isLinear(product) && Object.hasOwn(PRODUCTS, product.className)) {
      const affine = affineOf(node, product)
      const relu = reluOf(node)
      if (affine) affines.push(affine)
      if (affine) kept[at] = withBias(product, affine.channels)
      else if (relu !== undefined) kept[at] = { ...product, config: { ...product.config, activation: relu } }
      if (affine || relu !== undefined) {
        places.push(at)
        continue
      }
    }
    places.push(kept.length)
    kept.push({ ...node, inputs: node.inputs.map((input) => must(places[input], 'a place')) })
  }
  const place = (at: number): number => must(places[at], 'a place')
  return {
    graph: { nodes: kept, inputs: inputs.map(place), outputs: outputs.map(place) },
    fold: (tensors) => affines.reduce((weights, affine) => ({ ...weights, ...folded(affine, weights) }), tensors),
  }
}

function folded({ product, kernel: name, normalization, channels }: Affine, tensors: NamedTensors): Record<string, TensorData> {
  const part = (short: string, unless: number): ArrayLike<number> =>
    tensors[`${normalization.name}/${short}`]?.data ?? new Float32Array(channels).fill(unless)
  const [gamma, beta, mean, variance] = [part('gamma', 1), part('beta', 0), part('moving_mean', 0), part('moving_variance', 1)]
  const epsilon = Number(normalization.config['epsilon'] ?? 1e-3)
  const kernel = must(tensors[name], name)
  const bias = tensors[biasOf(product)]?.data
  const factor = Float64Array.from({ length: channels }, (_, i) => (gamma[i] as number) / Math.sqrt((variance[i] as number) + epsilon))
  const shift = (_: unknown, i: number): number => ((bias?.[i] ?? 0) - (mean[i] as number)) * (factor[i] as number) + (beta[i] as number)
  return {
    [name]: { ...kernel, data: Float32Array.from(kernel.data, (value, i) => value * (factor[i % channels] as number)) } as TensorData,
    [biasOf(product)]: { dtype: 'float32', shape: [channels], data: Float32Array.from({ length: channels }, shift) },
  }
}
