import { loadGraphModelSync } from '@tensorflow/tfjs-converter'
import * as z from 'zod/mini'
import { must } from '../core/assert.ts'
import { concatBytes } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import { jsonObject } from '../core/fields.ts'
import { unwrap } from '../core/result.ts'
import { storedForm, weightSpec, type WeightSpec } from '../formats/tfjs-files.ts'
import type { ModelTensor } from '../tensor/model-tensor.ts'
import { expectTensor, type NamedTensors, shapeMismatch, type TensorData, tensorBytes } from '../tensor/tensor.ts'
import { asyncRunsEnded, runAlone } from './async-runs.ts'
import { type BackendName, type BackendOptions, lifeOf, startBackend, useBackend } from './backends.ts'
import { emptyInput } from './empty-input.ts'
import { allFinite } from './finite.ts'
import { keepListedTensors } from './kept-tensors.ts'
import { fromModelTensor, type Topology, toModelTensor } from './model.ts'
import type { RuntimeModel } from './load-runtime.ts'
import { asOpError } from './op-error.ts'
import { checkedRuntime, type Runtime, type TensorSpec } from './runtime.ts'
import { keep, type Tensor, tidy } from './tf.ts'
import { compileAhead, pipelinesCompiled } from './webgpu-backend.ts'

/** What a graph model's `topology` is in a manifest: its model.json, with the weights' specs in place of the files that hold them. */
const graphTopology = z.object({
  modelTopology: jsonObject,
  signature: z.optional(jsonObject),
  userDefinedMetadata: z.optional(jsonObject),
  modelInitializer: z.optional(jsonObject),
  initializerSignature: z.optional(jsonObject),
  /** Each weight's bytes are the tensor of that name, as the file held them: quantized ones stay so. */
  weights: z.array(weightSpec),
})

type Graph = ReturnType<typeof loadGraphModelSync>

/** Infinities are constants of some graphs, such as what a maximum begins with. */
function checkWeight(spec: WeightSpec, tensor: TensorData): void {
  expectTensor(spec.name, tensor, storedForm(spec, tensor.data.length))
  if (tensor.dtype === 'float32' && !allFinite(tensor.data as Float32Array) && tensor.data.some(Number.isNaN))
    throw shapeMismatch(spec.name, 'numbers', 'NaN')
}

/** Throws invalid_document for a description that no graph can be built from, shape_mismatch for weights that it does not have or that are missing. */
function buildGraph(topology: unknown, tensors: NamedTensors): Graph {
  const parsed = graphTopology.safeParse(topology)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new AppError('invalid_document', `this is no tfjs graph model: ${issue?.path.join('.')}: ${issue?.message}`)
  }
  const { weights, ...artifacts } = parsed.data
  const names = new Set(weights.map(({ name }) => name))
  for (const name of Object.keys(tensors))
    if (!names.has(name)) throw shapeMismatch(name, 'a weight of the graph', 'a name it does not have')
  const parts = weights.map((spec) => {
    const { name } = spec
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined
    if (tensor === undefined) throw shapeMismatch(name, 'a weight of the graph', 'nothing')
    checkWeight(spec, tensor)
    return tensorBytes(tensor)
  })
  try {
    const made: Graph[] = []
    // weights that were made before something turned out to be wrong go with the scope
    tidy(() => {
      const graph = loadGraphModelSync({
        ...structuredClone(artifacts),
        weightSpecs: weights,
        weightData: concatBytes(parts).buffer,
      } as never)
      made.push(graph)
      for (const weight of Object.values(graph.weights).flat()) keep(weight)
    })
    const built = must(made[0], 'a graph')
    keepListedTensors(built)
    return built
  } catch (thrown) {
    const opError = asOpError(thrown)
    if (opError instanceof AppError) throw opError
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new AppError('invalid_document', `no model can be built from this graph: ${why}`, { cause: thrown })
  }
}

const computesWithText = ({ modelTopology, weights }: Topology): boolean =>
  (Array.isArray(weights) && weights.some((weight) => (weight as { dtype?: unknown } | null)?.dtype === 'string')) ||
  JSON.stringify(modelTopology ?? null).includes('"DT_STRING"')

type Node = { readonly name: string; readonly dtype?: string | undefined; readonly shape?: readonly number[] | undefined }

/** Inputs or outputs of a graph by the names that its signature gives them. */
type Ports = Readonly<Record<string, { name?: string; dtype?: string; tensorShape?: { dim?: readonly { size?: string | number }[] } }>>

const DTYPE_OF: Readonly<Record<string, string>> = {
  DT_FLOAT: 'float32',
  DT_INT32: 'int32',
  DT_INT64: 'int32',
  DT_UINT8: 'int32',
  DT_BOOL: 'bool',
  DT_STRING: 'string',
}

function specsOf(nodes: readonly Node[], ports: Ports = {}): (TensorSpec & { readonly node: string })[] {
  return nodes.map(({ name, dtype, shape }) => {
    const [port, info] = Object.entries(ports).find(([key, { name: node = key }]) => node === name || node === `${name}:0`) ?? [name]
    const sizes = shape ?? info?.tensorShape?.dim?.map(({ size }) => Number(size ?? -1)) ?? []
    return {
      name: port,
      node: name,
      dtype: dtype ?? DTYPE_OF[info?.dtype ?? ''] ?? 'float32',
      shape: sizes.map((size) => (size < 0 ? null : size)),
    }
  })
}

/** tfjs tells this way that a graph has to be awaited: loops, branches, or shapes that follow from values. */
const needsAwait = (thrown: unknown): boolean => thrown instanceof Error && /executeAsync\(\)|dynamic op/.test(thrown.message)

/** A tfjs graph model: for answering, not for training. Errors as `loadRuntime`. */
export async function loadGraphRuntime(model: RuntimeModel, backend: BackendName, options: BackendOptions): Promise<Runtime> {
  // the WASM module aborts at the first text that it meets, and with it every other model of this thread
  if (backend !== 'cpu' && computesWithText(model.topology))
    throw new AppError('unsupported_op', `${backend} has no kernels for text, which this graph computes with`)
  unwrap(await startBackend(backend, options))
  await asyncRunsEnded()
  useBackend(backend)
  const graph = buildGraph(model.topology, model.tensors)
  const signature = graph.modelSignature as { inputs?: Ports; outputs?: Ports } | undefined
  const inputs = specsOf(graph.inputs as Node[], signature?.inputs)
  const outputs = specsOf(graph.outputs as Node[], signature?.outputs)
  const nodes = outputs.map(({ node }) => node)
  const life = lifeOf(backend)
  let awaited = false

  function feed(values: readonly ModelTensor[]): Record<string, Tensor> {
    return Object.fromEntries(values.map((value, i) => [must(inputs[i], 'an input').node, toModelTensor(value)]))
  }
  const list = (answer: Tensor | Tensor[]): Tensor[] => (Array.isArray(answer) ? answer : [answer])

  function execute(values: readonly ModelTensor[]): Promise<Tensor[]> | Tensor[] {
    useBackend(backend)
    return tidy(() => list(graph.execute(feed(values), nodes)))
  }
  /** A graph whose pipelines follow from values compiles them when it is first asked. */
  async function compilesAhead(): Promise<void> {
    try {
      await compileAhead(() => tidy(() => list(graph.execute(feed(inputs.map(emptyInput)), nodes))))
    } catch {
      // what is wrong shows when it is asked
    }
  }
  async function executeAwaited(values: readonly ModelTensor[]): Promise<Tensor[]> {
    useBackend(backend)
    const fed = feed(values)
    try {
      return list(await graph.executeAsync(fed, nodes))
    } finally {
      for (const tensor of Object.values(fed)) tensor.dispose()
    }
  }
  async function compute(values: readonly ModelTensor[]): Promise<Tensor[]> {
    if (!awaited) {
      await asyncRunsEnded()
      try {
        return await execute(values)
      } catch (thrown) {
        if (!needsAwait(thrown)) throw thrown
        awaited = true
      }
    }
    return runAlone(() => executeAwaited(values))
  }

  async function answer(values: readonly ModelTensor[]): Promise<ModelTensor[]> {
    if (backend === 'webgpu') await pipelinesCompiled()
    let held: Tensor[] = []
    try {
      held = await compute(values)
      return await Promise.all(held.map(fromModelTensor))
    } catch (thrown) {
      throw asOpError(thrown)
    } finally {
      // one node may be two outputs
      for (const tensor of new Set(held)) if (!tensor.isDisposed) tensor.dispose()
    }
  }
  if (backend === 'webgpu') await life.within(compilesAhead)

  return checkedRuntime({
    engine: 'tfjs',
    backend,
    inputs: inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    outputs: outputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    life,
    run: (values) => life.within(() => answer(values)),
    dispose: () => graph.dispose(),
  })
}
