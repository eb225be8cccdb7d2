import { AppError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { weightName } from '../model.ts'
import type { LayersModel } from '../tf.ts'

export type GraphWeight = { readonly name: string; readonly shape: readonly number[]; readonly trainable: boolean }

/** A layer as a plan sees it. Plain JSON, so that it can be handed to another thread. */
export type GraphNode = {
  readonly name: string
  readonly className: string
  /** What the layer's getConfig() says, names in camel case. */
  readonly config: JsonObject
  /** Positions of the nodes that it reads, all before itself. */
  readonly inputs: readonly number[]
  /** Shape for one example. */
  readonly shape: readonly number[]
  readonly weights: readonly GraphWeight[]
}

export type Graph = { readonly nodes: readonly GraphNode[]; readonly inputs: readonly number[]; readonly outputs: readonly number[] }

const refuse = (what: string) => fail(new AppError('unsupported_op', what))

type Layer = LayersModel['layers'][number]

/** The layers of a model in an order in which each comes after what it reads. Fails with unsupported_op and the layer's name. */
export function graphOf(model: LayersModel): Result<Graph> {
  const positions = new Map<Layer, number>()
  const nodes: GraphNode[] = []
  const ordered: Layer[] = []
  const visit = (layer: Layer): void => {
    if (ordered.includes(layer)) return
    for (const node of layer.inboundNodes) for (const before of node.inboundLayers) visit(before)
    ordered.push(layer)
  }
  for (const { sourceLayer } of model.outputs) visit(sourceLayer)
  const known = new Set(model.layers)
  for (const layer of ordered) {
    const className = layer.getClassName()
    if (!known.has(layer) && className !== 'InputLayer')
      return refuse(`layer ${layer.name} (${className}) does not belong to the model alone`)
    if (layer.inboundNodes.length !== 1) return refuse(`layer ${layer.name} (${className}) is used ${layer.inboundNodes.length} times`)
    const node = layer.inboundNodes[0]
    const shape = node?.outputShapes[0] as (number | null)[] | number | undefined
    if (node === undefined || node.outputShapes.length !== 1 || !Array.isArray(shape))
      return refuse(`layer ${layer.name} (${className}) has several outputs`)
    const ofExample = shape.slice(1)
    if (ofExample.some((dimension) => typeof dimension !== 'number'))
      return refuse(`layer ${layer.name} (${className}) has the open shape [${shape.map((dimension) => dimension ?? '?').join(',')}]`)
    positions.set(layer, nodes.length)
    nodes.push({
      name: layer.name,
      className,
      config: layer.getConfig() as unknown as JsonObject,
      inputs: node.inboundLayers.map((before) => positions.get(before) ?? -1),
      shape: ofExample.map(Number),
      weights: layer.weights.map((weight) => ({
        name: weightName(weight),
        shape: weight.shape.map(Number),
        trainable: layer.trainableWeights.includes(weight),
      })),
    })
  }
  const place = ({ sourceLayer }: LayersModel['outputs'][number]): number => positions.get(sourceLayer) ?? -1
  return ok({ nodes, inputs: model.inputs.map(place), outputs: model.outputs.map(place) })
}
