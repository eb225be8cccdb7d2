import type { Topology } from '../../../shared/compute/model.ts'
import { must } from '../../../shared/core/assert.ts'
import type { NamedTensors, TensorData } from '../../../shared/tensor/tensor.ts'
import { type Node, writeOnnx } from '../../fixtures/onnx-writer.ts'

type Config = {
  readonly name: string
  readonly strides: readonly number[]
  readonly pool_size: readonly number[]
  readonly padding: string
  readonly activation?: string
  readonly use_bias?: boolean
  readonly epsilon: number
  readonly batch_input_shape?: readonly (number | null)[]
}
type Layer = { readonly class_name: string; readonly config: Config; readonly inbound_nodes?: readonly (readonly [string][])[] }

/** Axes in another order, row-major: `axes[i]` is the axis of the given tensor that becomes axis `i`. */
export function transposed({ dtype, shape, data }: TensorData, axes: readonly number[]): TensorData {
  const to = axes.map((axis) => must(shape[axis], 'an axis'))
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1))
  const moved = data.slice()
  const at = to.map(() => 0)
  for (let i = 0; i < moved.length; i++) {
    moved[i] = data[axes.reduce((sum, axis, j) => sum + (at[j] as number) * (strides[axis] as number), 0)] as number
    for (let j = to.length - 1; j >= 0 && ++(at[j] as number) === to[j]; j--) at[j] = 0
  }
  return { dtype, shape: to, data: moved } as TensorData
}

const ACTIVATIONS: Readonly<Record<string, string>> = { relu: 'Relu', softmax: 'Softmax' }

/** The layers model as an exporter would write it for onnxruntime: images as [batch, channels, height, width], one node for each layer. Of layers, those that the bench's models have. */
export function asOnnx(topology: Topology, tensors: NamedTensors): Uint8Array<ArrayBuffer> {
  const { layers } = (topology as unknown as { config: { layers: readonly Layer[] } }).config
  const nodes: Node[] = []
  const weights: Record<string, TensorData> = {}
  let answer = 'input'
  let shape: readonly (number | null)[] = []
  for (const { class_name, config, inbound_nodes } of layers) {
    const { name } = config
    const inputs = inbound_nodes ? (inbound_nodes[0] ?? []).map(([from]) => from) : [answer]
    const weight = (short: string, as = (tensor: TensorData) => tensor): string => {
      weights[`${name}/${short}`] = as(must(tensors[`${name}/${short}`], `${name}/${short}`))
      return `${name}/${short}`
    }
    const push = (op: string, from: readonly string[], attributes: Node['attributes'] = {}, to = name): string => {
      nodes.push({ op, inputs: from, outputs: [to], attributes })
      return to
    }
    const bias = config.use_bias === false ? [] : ['bias']
    const activated = ACTIVATIONS[config.activation ?? '']
    /** The layer's own node, and one for its activation behind it. */
    const pushActivated = (op: string, from: readonly string[], attributes: Node['attributes'] = {}): void => {
      const to = push(op, from, attributes, activated ? `${name}/linear` : name)
      if (activated) push(activated, [to])
    }
    const spatial = { strides: config.strides, auto_pad: config.padding === 'same' ? 'SAME_UPPER' : 'VALID' }
    if (config.batch_input_shape) shape = config.batch_input_shape
    if (class_name === 'InputLayer') {
      push('Identity', ['input'])
    } else if (class_name === 'Conv2D') {
      const kernel = weight('kernel', (tensor) => transposed(tensor, [3, 2, 0, 1]))
      pushActivated('Conv', [...inputs, kernel, ...bias.map((short) => weight(short))], spatial)
    } else if (class_name === 'DepthwiseConv2D') {
      const kernel = weight('depthwise_kernel', (tensor) => transposed(tensor, [2, 3, 0, 1]))
      pushActivated('Conv', [...inputs, kernel], { ...spatial, group: must(weights[kernel]?.shape[0], 'channels') })
    } else if (class_name === 'BatchNormalization') {
      const constants = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((short) => weight(short))
      push('BatchNormalization', [...inputs, ...constants], { epsilon: { float: config.epsilon } })
    } else if (class_name === 'ReLU') {
      for (const [bound, value] of [['low', 0] as const, ['high', 6] as const])
        weights[`${name}/${bound}`] = { dtype: 'float32', shape: [], data: Float32Array.of(value) }
      push('Clip', [...inputs, `${name}/low`, `${name}/high`])
    } else if (class_name === 'Add') {
      push('Add', inputs)
    } else if (class_name === 'MaxPooling2D') {
      push('MaxPool', inputs, { ...spatial, kernel_shape: config.pool_size })
    } else if (class_name === 'GlobalAveragePooling2D') {
      push('Flatten', [push('GlobalAveragePool', inputs, {}, `${name}/pooled`)])
    } else if (class_name === 'Flatten') {
      // the weights behind it count channels last
      push('Flatten', [push('Transpose', inputs, { perm: [0, 2, 3, 1] }, `${name}/last`)])
    } else if (class_name === 'Dense') {
      pushActivated('Gemm', [...inputs, weight('kernel'), weight('bias')])
    } else throw new Error(`${class_name} cannot be written here`)
    answer = name
  }
  const [, height, width, channels] = shape.map((size) => size ?? 1)
  const classes = must(Object.values(weights).at(-1)?.shape[0], 'classes')
  return writeOnnx({
    nodes,
    weights,
    inputs: [{ name: 'input', type: 'float32', shape: [1, channels, height, width].map((size) => must(size, 'a size')) }],
    outputs: [{ name: answer, type: 'float32', shape: [1, classes] }],
  })
}
