import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import type { Labels } from './examples.ts'
import type { Topology } from './model.ts'
import {
  abs,
  logSoftmax,
  mean,
  mul,
  neg,
  reshape,
  type Scalar,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor,
} from './tf.ts'

/** What regression minimises: squared errors seek the mean, absolute ones the median, which outliers do not move. */
export type RegressionLoss = 'mean-squared-error' | 'mean-absolute-error'

/** What is minimised, read off the model's last activation: softmax, sigmoid (one unit), anything else is regression. */
export type LossKind = 'softmax-cross-entropy' | 'binary-cross-entropy' | RegressionLoss

export const isRegression = (loss: LossKind): loss is RegressionLoss => loss === 'mean-squared-error' || loss === 'mean-absolute-error'

function at(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  let here = value
  for (const key of path) here = Array.isArray(here) ? (here[Number(key)] as Json | undefined) : isJsonObject(here) ? here[key] : undefined
  return here
}

/**
 * The same architecture ending in logits, and the loss its last activation calls for. Training on logits keeps gradients alive where a
 * probability rounds to 0 or 1. Throws invalid_document for a topology without a list of layers.
 */
export function trainingTopology(
  topology: Topology,
  regression: RegressionLoss = 'mean-squared-error',
): { topology: Topology; loss: LossKind } {
  const copy = structuredClone(topology) as { [key: string]: Json }
  const config = at(copy, 'model_config', 'config') ?? at(copy, 'config')
  const list = at(config, 'layers') ?? config
  if (!Array.isArray(list) || list.length === 0)
    throw new AppError('invalid_document', 'the topology has no list of layers at config.layers')
  const outputName = at(config, 'output_layers', 0, 0)
  const last = list.find((layer: Json) => at(layer, 'name') === outputName && outputName !== undefined) ?? list[list.length - 1]
  const layer = last as { class_name: string; config: { [key: string]: Json } }
  const activation = layer.class_name === 'Softmax' ? 'softmax' : layer.config['activation']
  const loss = activation === 'softmax' ? 'softmax-cross-entropy' : activation === 'sigmoid' ? 'binary-cross-entropy' : regression
  if (layer.class_name === 'Softmax') layer.class_name = 'Activation'
  if (!isRegression(loss)) layer.config['activation'] = 'linear'
  return { topology: copy, loss }
}

/**
 * What the loss compares answers with: [n, width] one-hot rows for softmax (labels are class numbers), else [n] values.
 * Throws invalid_input for a label that is no class number below `width`.
 */
export function targetsOf(kind: LossKind, labels: Labels, indices: ArrayLike<number>, width: number): Tensor {
  const count = indices.length
  if (kind !== 'softmax-cross-entropy')
    return tensor(
      Float32Array.from(indices, (index) => must(labels[index], 'a label')),
      [count],
    )
  // made here, because oneHot of the WASM backend writes integers under the name of floats
  const rows = new Float32Array(count * width)
  for (let i = 0; i < count; i++) {
    const label = must(labels[must(indices[i], 'an index')], 'a label')
    if (!Number.isInteger(label) || label < 0 || label >= width)
      throw new AppError('invalid_input', `label ${label} is no class number below ${width}`)
    rows[i * width + label] = 1
  }
  return tensor(rows, [count, width])
}

/** The loss of each example, shape [n]. */
export function lossPerExample(kind: LossKind, logits: Tensor, targets: Tensor): Tensor1D {
  if (kind === 'softmax-cross-entropy') return neg(sum(mul(logSoftmax(logits), targets), -1))
  const flat = reshape(logits, [-1]) as Tensor1D
  // softplus(z) - t*z is -log of the probability of t, in a form that does not overflow
  if (kind === 'binary-cross-entropy') return sub(softplus(flat), mul(targets, flat))
  return kind === 'mean-absolute-error' ? abs(sub(flat, targets)) : square(sub(flat, targets))
}

export const weightedMean = (losses: Tensor1D, weights: Tensor1D | undefined): Scalar =>
  weights === undefined ? mean(losses) : mean(mul(losses, weights))
