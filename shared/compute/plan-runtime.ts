import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { unwrap } from '../core/result.ts'
import { asNumbers, type ModelTensor } from '../tensor/model-tensor.ts'
import { type NamedTensors, sizeOf } from '../tensor/tensor.ts'
import { startBackend, useBackend } from './backends.ts'
import { loadKernels } from './kernels/load-kernels.ts'
import { memoryCheck } from './layer-memory.ts'
import { buildModel, type Topology } from './model.ts'
import { compileInference } from './plan/compile.ts'
import { type FoldedGraph, foldGraph } from './plan/fold-graph.ts'
import { type Graph, graphOf } from './plan/graph.ts'
import type { Plan } from './plan/plan.ts'
import { checkWeights, writePlanWeights } from './plan/plan-weights.ts'
import { checkedRuntime, type Runtime, type TensorSpec } from './runtime.ts'
import type { LayersModel } from './tf.ts'

/** Examples that one pass of a plan takes; a larger batch is answered in several. */
const BATCH = 16
/** What a plan may take, bytes: beyond it tfjs is the better choice, which gives memory back layer by layer. */
const MEMORY_LIMIT = 2 ** 29

let plans = 0
let planBytes = 0

const specs = (list: LayersModel['inputs']): TensorSpec[] => list.map(({ name, dtype, shape }) => ({ name, dtype, shape }))

type Compiled = { readonly graph: Graph; readonly fold: FoldedGraph['fold']; readonly plan: Plan }

async function compile(built: LayersModel): Promise<Compiled> {
  if (built.inputs.some(({ dtype }) => dtype !== 'float32')) throw new AppError('unsupported_op', 'a plan takes float32 inputs only')
  const graph = unwrap(graphOf(built))
  const { graph: folded, fold } = foldGraph(graph)
  const options = { graph: folded, kernels: unwrap(await loadKernels()), memoryLimit: MEMORY_LIMIT }
  const plan = compileInference({ ...options, batchSize: BATCH })
  return {
    graph,
    fold,
    plan: unwrap(plan.ok || plan.error.code !== 'out_of_memory' ? plan : compileInference({ ...options, batchSize: 1 })),
  }
}

/** All examples through the plan, as many at once as it takes. */
function answersOf(plan: Plan, values: readonly ModelTensor[]): ModelTensor {
  const count = must(values[0]?.shape[0], 'a batch')
  const shape = plan.answers.shape.slice(1)
  const width = sizeOf(shape)
  const data = new Float32Array(count * width)
  for (let from = 0; from < count; from += plan.batchSize) {
    const images = Math.min(plan.batchSize, count - from)
    for (const [i, value] of values.entries()) {
      const given = asNumbers(value, 'input').data
      const size = given.length / count
      must(plan.inputs[i], 'an input of the plan').data.set(given.subarray(from * size, (from + images) * size))
    }
    plan.infer(images)
    data.set(plan.answers.data.subarray(0, images * width), from * width)
  }
  return { dtype: 'float32', shape: [count, ...shape], data }
}

/**
 * A layers model compiled into a plan on our own WASM kernels: no dispatch, and nothing is allocated while it answers. Throws unsupported_op naming a layer
 * without a kernel, out_of_memory, no_backend where the host has no SIMD, invalid_document, shape_mismatch.
 */
export async function loadPlanRuntime({ topology, tensors }: { topology: Topology; tensors: NamedTensors }): Promise<Runtime> {
  unwrap(await startBackend('cpu'))
  const built = await buildModel(topology, { weights: 'follow' })
  useBackend('cpu')
  try {
    const { graph, fold, plan } = await compile(built)
    // by the names that they came with
    checkWeights(
      graph.nodes.flatMap(({ weights }) => weights),
      tensors,
    )
    writePlanWeights(plan, fold(tensors))
    const checkMemory = memoryCheck(built)
    plans++
    planBytes += plan.memoryBytes
    return checkedRuntime({
      engine: 'plan',
      backend: 'wasm',
      inputs: specs(built.inputs),
      outputs: specs(built.outputs),
      async run(values) {
        checkMemory(values[0]?.shape[0] ?? 1)
        return [answersOf(plan, values)]
      },
      memory: () => ({ tensors: plans, bytes: planBytes }),
      dispose() {
        plans--
        planBytes -= plan.memoryBytes
      },
    })
  } finally {
    built.dispose()
  }
}
