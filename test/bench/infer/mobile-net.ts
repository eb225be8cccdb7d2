import type { Topology } from '../../../shared/compute/model.ts'
import type { JsonObject } from '../../../shared/core/json.ts'

/** Of each block of MobileNetV2 (Sandler et al. 2018, table 2): expansion, channels, repeats, stride of the first. */
const BLOCKS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const

/** MobileNetV2 at 224 x 224 with 1000 classes as a layers topology: 3.5 million weights, drawn anew, since only its speed is of interest. */
export function mobileNet(): Topology {
  const layers: JsonObject[] = []
  const add = (class_name: string, config: JsonObject, ...inputs: string[]): string => {
    const name = `${class_name.toLowerCase()}_${layers.length}`
    layers.push({
      class_name,
      name,
      config: { name, trainable: true, ...config },
      inbound_nodes: inputs.length === 0 ? [] : [inputs.map((input) => [input, 0, 0, {}])],
    })
    return name
  }
  const spatial = { padding: 'same', data_format: 'channels_last', dilation_rate: [1, 1], use_bias: false }
  const normal = (x: string) => add('BatchNormalization', { axis: -1, epsilon: 1e-3 }, x)
  const relu6 = (x: string) => add('ReLU', { max_value: 6 }, normal(x))
  const conv = (x: string, filters: number, size: number, stride: number) =>
    add('Conv2D', { filters, kernel_size: [size, size], strides: [stride, stride], activation: 'linear', ...spatial }, x)
  const depthwise = (x: string, stride: number) =>
    add('DepthwiseConv2D', { kernel_size: [3, 3], strides: [stride, stride], depth_multiplier: 1, activation: 'linear', ...spatial }, x)

  const input = add('InputLayer', { batch_input_shape: [null, 224, 224, 3], dtype: 'float32', sparse: false })
  let x = relu6(conv(input, 32, 3, 2))
  let channels = 32
  for (const [expansion, filters, repeats, firstStride] of BLOCKS) {
    for (let i = 0; i < repeats; i++) {
      const stride = i === 0 ? firstStride : 1
      const before = x
      const wide = expansion === 1 ? x : relu6(conv(x, channels * expansion, 1, 1))
      const narrow = normal(conv(relu6(depthwise(wide, stride)), filters, 1, 1))
      x = stride === 1 && filters === channels ? add('Add', {}, before, narrow) : narrow
      channels = filters
    }
  }
  const pooled = add('GlobalAveragePooling2D', { data_format: 'channels_last' }, relu6(conv(x, 1280, 1, 1)))
  const output = add('Dense', { units: 1000, activation: 'softmax', use_bias: true }, pooled)
  return {
    class_name: 'Model',
    config: { name: 'mobile_net', layers, input_layers: [[input, 0, 0]], output_layers: [[output, 0, 0]] },
    keras_version: 'tfjs-layers 4.22.0',
    backend: 'tensor_flow.js',
  }
}
