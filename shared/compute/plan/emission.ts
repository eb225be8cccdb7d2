import { AppError } from '../../core/errors.ts'
import { must } from '../../core/assert.ts'
import type { Kernels } from '../kernels/kernel-signatures.ts'
import type { Graph, GraphNode } from './graph.ts'
import type { Activation, GradientTarget, Lowering, LoweringContext, Lowerings, PlanWeight } from './lowering.ts'
import type { PlanMemory } from './memory-plan.ts'
import { type Halo, imageShape, isDense, NO_HALO, placeRegion, type Region, widest } from './region.ts'
import type { Run } from './run.ts'
import { byImages, type Step } from './share.ts'
import type { WeightsLayout } from './weights-layout.ts'

export type EmissionOptions = {
  readonly graph: Graph
  readonly lowerings: Lowerings
  readonly kernels: Kernels
  readonly run: Run
  readonly batchSize: number
  readonly trains: boolean
  readonly tiled: boolean
  readonly memory: PlanMemory
  readonly weights: WeightsLayout
}

export type Emitted = {
  readonly activations: readonly Activation[]
  readonly forward: readonly Step[]
  /** What is to run whenever weights have changed. */
  readonly prepared: readonly Step[]
  readonly backward: readonly Step[]
  readonly scratchBytes: number
  /** Weights whose kernels take the step themselves when told to. */
  readonly fusable: readonly { readonly weight: PlanWeight; readonly target: GradientTarget }[]
}

const refusal = ({ name, className }: GraphNode, what: string): AppError =>
  new AppError('unsupported_op', `layer ${name} (${className}): ${what}`, { issues: [{ where: name, what }] })

/** Which layers read each layer's answer, how often, and whether the loss depends on a trained weight before it. */
function analyse({ graph, lowerings, trains }: EmissionOptions) {
  const readers = graph.nodes.map((): number[] => [])
  for (const [at, node] of graph.nodes.entries()) for (const input of node.inputs) must(readers[input], 'a reader list').push(at)
  const trained: boolean[] = []
  for (const node of graph.nodes)
    trained.push(trains && (node.weights.some(({ trainable }) => trainable) || node.inputs.some((input) => trained[input])))
  const lowering = (at: number): Lowering | undefined => {
    const name = graph.nodes[at]?.className ?? ''
    return Object.hasOwn(lowerings, name) ? lowerings[name] : undefined
  }
  /** Undefined: must be dense. */
  const haloFor = (at: number): Halo | undefined => {
    const behind = readers[at] ?? []
    if (behind.length === 0 || graph.outputs.includes(at) || !behind.every((reader) => lowering(reader)?.strided === true)) return undefined
    const node = must(graph.nodes[at], 'a node')
    return behind.map((reader) => lowering(reader)?.halo?.(must(graph.nodes[reader], 'a node'), node.shape) ?? NO_HALO).reduce(widest)
  }
  return { readers, trained, lowering, haloFor }
}

/** Lowers every layer in order. Throws unsupported_op with the layer's name. */
export function emit(options: EmissionOptions): Emitted {
  const { graph, kernels, run, batchSize, trains, tiled, memory, weights } = options
  const { readers, trained, lowering, haloFor } = analyse(options)
  const forward: Step[] = []
  const prepared: Step[] = []
  const blocks: Step[][] = []
  const fusable: { weight: PlanWeight; target: GradientTarget }[] = []
  /** How many gradients still come for an activation; the last one to be emitted is the first to run, and writes in place. */
  const awaited = new Map<Activation, number>()
  const activations: Activation[] = []
  let scratchBytes = 0

  const contextFor = (node: GraphNode, place: number): LoweringContext => {
    const make = (shape: readonly number[], value: Region, gradient: Region | undefined, relu: boolean): Activation => {
      const made: Activation = { shape, value, gradient, relu: relu ? 'open' : 'none' }
      awaited.set(made, 1)
      return made
    }
    const region = (shape: readonly number[], halo: Halo): Region => placeRegion(shape, batchSize, halo, memory.allocate)
    const gradientOf = (input: Activation): Region | undefined => {
      const { gradient } = input
      if (gradient === undefined) return undefined
      const left = (awaited.get(input) ?? 1) - 1
      awaited.set(input, left)
      if (left === 0) return gradient
      const own = region(input.shape, gradient.halo)
      const [to, from] = [startOf(gradient, input.shape), startOf(own, input.shape)]
      const step = gradient.image
      blocks.push([byImages(run, (first, images) => kernels.addTo(to + first * step, from + first * step, (images * step) / 4))])
      return own
    }
    return {
      kernels,
      run,
      batchSize,
      trains,
      tiled,
      place,
      output(shape, { strided = false, gradientHalo = NO_HALO, relu = false } = {}) {
        const halo = strided ? haloFor(place) : undefined
        const value = region(shape, halo ?? NO_HALO)
        return make(shape, value, trained[place] ? region(shape, halo ? gradientHalo : NO_HALO) : undefined, relu)
      },
      alias(input, shape) {
        if (!isDense(input.value)) throw new Error('an alias of values that are not dense')
        return make(shape, input.value, gradientOf(input), false)
      },
      gradientOf,
      takeRelu(input) {
        const sole = input.relu === 'open' && readersOf(input) === 1
        if (sole) input.relu = 'taken'
        return sole
      },
      weight: (part) => weights.all.find(({ name }) => node.weights.some((own) => own.name === name) && name.endsWith(`/${part}`)),
      gradientTarget(weight) {
        const target: GradientTarget = { address: weight.gradient, mode: 0 }
        fusable.push({ weight, target })
        return target
      },
      allocate: memory.allocate,
      table: memory.table,
      needScratch(bytes) {
        scratchBytes = Math.max(scratchBytes, bytes)
      },
      forward: (...steps) => void forward.push(...steps),
      prepare: (...steps) => void prepared.push(...steps),
      backward: (...steps) => void blocks.push(steps),
      refuse(what) {
        throw refusal(node, what)
      },
    }
  }
  const readersOf = (activation: Activation): number => {
    const at = activations.indexOf(activation)
    return at < 0 ? 1 : (readers[at]?.length ?? 0) + (graph.outputs.includes(at) ? 1 : 0)
  }

  for (const [place, node] of graph.nodes.entries()) {
    const context = contextFor(node, place)
    const layer = lowering(place)
    let activation: Activation
    if (node.className === 'InputLayer') activation = context.output(node.shape, { strided: true })
    else if (layer === undefined) throw refusal(node, 'there is no kernel for this class of layer')
    else
      activation = layer.lower(
        context,
        node,
        node.inputs.map((input) => must(activations[input], 'a lowered input')),
      )
    activations.push(activation)
    // the loss counts as a reader
    awaited.set(activation, readersOf(activation))
  }
  return { activations, forward, prepared, backward: blocks.toReversed().flat(), scratchBytes, fusable }
}

/** The first byte of a region, halo included. */
function startOf({ address, row, halo }: Region, shape: readonly number[]): number {
  const [, , channels] = imageShape(shape)
  return address - halo.top * row - halo.left * channels * 4
}
