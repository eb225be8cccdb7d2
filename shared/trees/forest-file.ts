import * as z from 'zod/mini'
import { AppError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { MAX_FOREST_FEATURES, MAX_FOREST_NODES, MAX_FOREST_TREES } from '../core/limits.ts'
import { expectTensor, type NamedTensors, type TensorData } from '../tensor/tensor.ts'
import { FOREST_ANSWERS, type Forest, marginCount } from './forest.ts'

export const FOREST_KIND = 'trees'

const forestTopology = z.strictObject({
  kind: z.literal(FOREST_KIND),
  objective: z.enum(FOREST_ANSWERS),
  /** Values of a row. */
  features: z.int().check(z.minimum(1), z.maximum(MAX_FOREST_FEATURES)),
  /** Labels; 0 where it answers with a number. */
  classes: z.int().check(z.minimum(0), z.maximum(10_000)),
})
export type ForestTopology = z.infer<typeof forestTopology>

/** A forest as a model file and a manifest hold it. */
export type ForestParts = { readonly topology: ForestTopology; readonly tensors: NamedTensors }

/** Whether a model's description is that of a forest. */
export const isForestTopology = (topology: JsonObject): boolean => topology['kind'] === FOREST_KIND

/** How many trees a manifest's tensors hold. */
export const treesIn = (tensors: readonly { readonly name: string; readonly shape: readonly number[] }[]): number =>
  tensors.find(({ name }) => name === 'trees/start')?.shape[0] ?? 0

const vector = (dtype: 'float32' | 'int32' | 'uint8', data: TensorData['data']): TensorData => ({ dtype, shape: [data.length], data })

/** Whole numbers from 0 as bytes, where all of them are ones. */
const compact = (data: Int32Array<ArrayBuffer>): TensorData =>
  data.every((value) => value < 256) ? vector('uint8', Uint8Array.from(data)) : vector('int32', data)

/**
 * `trees/base`: what each margin starts from. `trees/start`: the first node of each tree. For each node `trees/feature` (0 for a leaf), `trees/skip`: how many nodes further
 * on the answer no goes (0 marks a leaf), and `trees/value`: the threshold, or what a leaf adds.
 */
export function encodeForest({ answer: objective, features, classes, base, starts, feature, value, right }: Forest): ForestParts {
  return {
    topology: { kind: FOREST_KIND, objective, features, classes },
    tensors: {
      'trees/base': vector('float32', base),
      'trees/start': vector('int32', starts),
      'trees/feature': compact(feature.map((asked) => Math.max(0, asked))),
      'trees/skip': compact(right.map((node, i) => ((feature[i] as number) < 0 ? 0 : node - i))),
      'trees/value': vector('float32', value),
    },
  }
}

const broken = (where: string, what: string): AppError =>
  new AppError('invalid_document', `the model's trees do not hold together: ${where} ${what}`, { issues: [{ where, what }] })

function taken(tensors: NamedTensors, name: string, dtypes: readonly string[], length: number | null): TensorData['data'] {
  const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined
  if (tensor === undefined) throw broken(name, 'is missing')
  if (!dtypes.includes(tensor.dtype)) throw broken(name, `is ${tensor.dtype}, not ${dtypes.join(' or ')}`)
  try {
    expectTensor(name, tensor, { dtype: tensor.dtype, shape: [length] })
  } catch (thrown) {
    throw broken(name, `has another shape: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
  return tensor.data
}

function finite(name: string, data: TensorData['data']): Float32Array<ArrayBuffer> {
  const at = data.findIndex((value: number) => !Number.isFinite(value))
  if (at >= 0) throw broken(name, `holds ${data[at]} at ${at}`)
  return Float32Array.from(data)
}

/**
 * A forest out of its parts, which may come from anybody. Throws invalid_document, naming the tensor and the place, unless every tree is one: each node reached once,
 * children after their parents and within their tree, features that rows have, numbers that are finite, no more of anything than the limits allow.
 */
export function decodeForest({ topology, tensors }: { readonly topology: JsonObject; readonly tensors: NamedTensors }): Forest {
  const parsed = forestTopology.safeParse(topology)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw broken(['topology', ...(issue?.path ?? [])].join('.'), issue?.message ?? 'is no description of a forest')
  }
  const { objective: answer, features, classes } = parsed.data
  const wanted = { softmax: classes >= 2, logistic: classes === 2, number: classes === 0 }
  if (!wanted[answer]) throw broken('topology.classes', `is ${classes}, which does not go with ${answer}`)
  const strange = Object.keys(tensors).find((name) => !/^trees\/(base|start|feature|skip|value)$/.test(name))
  if (strange !== undefined) throw broken(strange, 'is no part of a forest')
  const margins = marginCount({ answer, classes })
  const base = finite('trees/base', taken(tensors, 'trees/base', ['float32'], margins))
  const starts = Int32Array.from(taken(tensors, 'trees/start', ['int32'], null))
  if (starts.length === 0 || starts.length > MAX_FOREST_TREES || starts.length % margins !== 0)
    throw broken('trees/start', `names ${starts.length} trees: there must be a multiple of ${margins}, at most ${MAX_FOREST_TREES}`)
  const value = finite('trees/value', taken(tensors, 'trees/value', ['float32'], null))
  if (value.length > MAX_FOREST_NODES) throw broken('trees/value', `holds ${value.length} nodes, at most ${MAX_FOREST_NODES} are allowed`)
  const feature = Int32Array.from(taken(tensors, 'trees/feature', ['uint8', 'int32'], value.length))
  const right = Int32Array.from(taken(tensors, 'trees/skip', ['uint8', 'int32'], value.length))
  joinNodes(features, starts, feature, right)
  return { answer, features, classes, base, starts, feature, value, right }
}

/** Checks every tree from its last node to its first, and turns distances into nodes. */
function joinNodes(features: number, starts: Int32Array, feature: Int32Array, right: Int32Array): void {
  const sizes = new Int32Array(feature.length)
  if (starts[0] !== 0) throw broken('trees/start', `begins with ${starts[0]}, not 0`)
  for (let tree = starts.length - 1, end = feature.length; tree >= 0; tree--) {
    const start = starts[tree] as number
    if (start >= end || start < 0) throw broken('trees/start', `has ${start} for tree ${tree}, which must begin before ${end}`)
    for (let node = end - 1; node >= start; node--) {
      const skip = right[node] as number
      if (skip === 0) {
        feature[node] = -1
        sizes[node] = 1
        continue
      }
      const asked = feature[node] as number
      if (asked < 0 || asked >= features) throw broken('trees/feature', `has ${asked} at ${node}, rows have ${features} values`)
      // a node with a child outside its tree must not look at its size
      if (skip < 2 || skip >= end - node || skip !== 1 + (sizes[node + 1] as number))
        throw broken('trees/skip', `has ${skip} at ${node}, where its first child does not end`)
      right[node] = node + skip
      sizes[node] = 1 + (sizes[node + 1] as number) + (sizes[node + skip] as number)
    }
    if (sizes[start] !== end - start)
      throw broken('trees/start', `tree ${tree} holds ${end - start} nodes, of which ${sizes[start]} belong to it`)
    end = start
  }
}
