import type { RuntimeModel } from '../../../shared/compute/load-runtime.ts'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import { makeSelfTest } from '../../../shared/compute/self-test.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import type { ForestAnswer } from '../../../shared/trees/forest.ts'
import { encodeForest } from '../../../shared/trees/forest-file.ts'
import type { RunnableManifest } from '../../../shared/worker/inference-api.ts'
import { randomForest, rowsFor } from './random-forest.ts'

const COLUMNS = ['a', 'b', 'c', 'd', 'e'] as const
const ROWS = 50
const LABELS = { softmax: ['x', 'y', 'z'], logistic: ['no', 'yes'], number: [] } as const satisfies Record<ForestAnswer, readonly string[]>

/** SHA-256 of what forests of each kind answered to 50 rows where this was written, as float32. */
export const GOLDEN_ANSWERS: Readonly<Record<ForestAnswer, string>> = {
  softmax: '3d3f17cc11dd6f914266b30618c11a79e2045443fa7822b2af13061057989e46',
  logistic: 'b0d3f4ef7cdbafe4bfe84a6f620706ed1cc7cba5c3f58584fe2d37a34e716717',
  number: 'e2a7100cfa39d797299b108525d47f90088102c22362f5df26a014adfd0f365b',
}

/** A version of trees as the control plane delivers it, and rows to ask it about. */
export async function goldenVersion(answer: ForestAnswer) {
  const forest = randomForest(40, answer)
  const model: RuntimeModel = { format: 'trees', ...encodeForest(forest) }
  const values = rowsFor(forest, ROWS, seededRandom(41))
  const runtime = await loadRuntime(model, 'cpu')
  const selfTest = await makeSelfTest(runtime, [
    { dtype: 'float32', shape: [4, COLUMNS.length], data: values.slice(0, 4 * COLUMNS.length) },
  ])
  runtime.dispose()
  const labels = LABELS[answer]
  const manifest: RunnableManifest = {
    topology: model.topology,
    signature: {
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, COLUMNS.length] }],
      outputs: [{ name: 'output', datatype: 'FP32', shape: [-1, Math.max(1, labels.length)] }],
    },
    transforms: COLUMNS.map((input) => ({ kind: 'passthrough', input, missing: 0 })),
    monitors: 'columns',
    labels: [...labels],
    selfTest,
    requires: { runtime: 'trees', shoal: '0.1.0' },
  }
  const rows = Array.from({ length: ROWS }, (_, row) =>
    Object.fromEntries(COLUMNS.map((name, i): [string, number] => [name, values[row * COLUMNS.length + i] ?? 0])),
  )
  return { model, values, rows, manifest, tensors: model.tensors }
}
