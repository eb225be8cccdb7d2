import * as layers from '@tensorflow/tfjs-layers'
import type { SymbolicTensor } from '@tensorflow/tfjs-layers'
import { repairLayers } from '../../../shared/compute/layer-repairs.ts'
import type { Topology } from '../../../shared/compute/model.ts'
import { must } from '../../../shared/core/assert.ts'
import { type Random, seededRandom } from '../../../shared/core/random.ts'

const l = layers.layers
type Make = (random: Random) => { apply(x: SymbolicTensor): unknown }

const pick = <T>(random: Random, list: readonly T[]): T => must(list[random.integer(list.length)], 'a choice')
const activation = (random: Random) => pick(random, ['linear', 'relu', 'tanh', 'sigmoid', 'elu'] as const)
const padding = (random: Random) => pick(random, ['same', 'valid'] as const)
const window = (random: Random) => 1 + random.integer(2)

/** Layers over images that keep them at least as large as the next ones need. */
const onImages: readonly Make[] = [
  (r) => l.conv2d({ filters: 1 + r.integer(6), kernelSize: 1 + r.integer(3), padding: 'same', activation: activation(r) }),
  (r) =>
    l.conv2d({ filters: 1 + r.integer(6), kernelSize: window(r), strides: window(r), padding: padding(r), useBias: r.integer(2) === 0 }),
  (r) => l.depthwiseConv2d({ kernelSize: 1 + r.integer(3), strides: window(r), padding: 'same', activation: activation(r) }),
  (r) => l.separableConv2d({ filters: 1 + r.integer(6), kernelSize: 1 + r.integer(3), padding: 'same', activation: activation(r) }),
  (r) => l.conv2dTranspose({ filters: 1 + r.integer(4), kernelSize: 1 + r.integer(3), strides: window(r), padding: 'same' }),
  // windows apart: overlapping ones repeat a value, and averages of repeated values tie but for rounding, where the next maximum has no one gradient
  (r) => l.maxPooling2d({ poolSize: window(r), padding: padding(r) }),
  (r) => l.averagePooling2d({ poolSize: window(r), strides: 1, padding: padding(r) }),
  () => l.batchNormalization({ momentum: 0.9 }),
  () => l.layerNormalization({}),
  () => l.reLU({}),
  (r) => l.zeroPadding2d({ padding: window(r) }),
  () => l.prelu({ alphaInitializer: 'randomNormal', sharedAxes: [1, 2] }),
]

/** What two branches of one shape become. */
const joins: readonly ((random: Random, x: SymbolicTensor, y: SymbolicTensor) => unknown)[] = [
  (_, x, y) => l.add().apply([x, y]),
  (_, x, y) => l.multiply().apply([x, y]),
  (_, x, y) => l.maximum().apply([x, y]),
  (_, x, y) => l.concatenate().apply([x, y]),
]

/** A classifier of images: layers one after another, now and then two branches that meet again, then a head. */
export function randomTopology(seed: number, depth: number): Topology {
  repairLayers()
  const random = seededRandom(seed)
  const input = layers.input({ shape: [6, 5, 3] })
  let x: SymbolicTensor = input
  for (let i = 0; i < depth; i++) {
    const [, height, width, channels] = x.shape
    if ((height ?? 0) < 3 || (width ?? 0) < 3 || (height ?? 0) > 14) break
    if (random.integer(3) === 0) {
      const branch = () =>
        l.conv2d({ filters: channels as number, kernelSize: 1 + random.integer(3), padding: 'same' }).apply(x) as SymbolicTensor
      // one branch may be the way past the other
      x = pick(random, joins)(random, branch(), random.integer(2) === 0 ? x : branch()) as SymbolicTensor
    } else x = pick(random, onImages)(random).apply(x) as SymbolicTensor
  }
  // no global maximum: of equal values, such as the zeros behind a ReLU, tfjs gives the gradient to all and a plan to the first
  const heads: readonly Make[] = [() => l.flatten(), () => l.globalAveragePooling2d({})]
  const flat = pick(random, heads)(random).apply(x) as SymbolicTensor
  const outputs = l.dense({ units: 3, activation: 'softmax' }).apply(flat) as SymbolicTensor
  const model = layers.model({ inputs: input, outputs })
  const topology = model.toJSON(null, false) as unknown as Topology
  model.dispose()
  return topology
}
