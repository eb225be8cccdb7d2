import { must } from '../core/assert.ts'
import { asNumbers } from '../tensor/model-tensor.ts'
import { answerWidth } from '../trees/forest.ts'
import { decodeForest } from '../trees/forest-file.ts'
import { predictForest } from '../trees/predict-forest.ts'
import type { RuntimeModel } from './load-runtime.ts'
import { checkedRuntime, type Runtime } from './runtime.ts'

/** Of all forests that are loaded now. */
let loaded = 0
let loadedBytes = 0

/** Boosted trees, walked in plain JavaScript: a walk is a chain of comparisons, which neither a GPU nor SIMD shortens. Throws invalid_document. */
export function loadTreesRuntime(model: RuntimeModel): Runtime {
  const forest = decodeForest(model)
  const { base, starts, feature, value, right, features } = forest
  const bytes = [base, starts, feature, value, right].reduce((sum, { byteLength }) => sum + byteLength, 0)
  const width = answerWidth(forest)
  loaded++
  loadedBytes += bytes
  return checkedRuntime({
    engine: 'trees',
    backend: 'cpu',
    inputs: [{ name: 'input', dtype: 'float32', shape: [null, features] }],
    outputs: [{ name: 'output', dtype: 'float32', shape: [null, width] }],
    async run(inputs) {
      const rows = asNumbers(must(inputs[0], 'an input'), 'input')
      const count = must(rows.shape[0], 'a batch')
      return [{ dtype: 'float32', shape: [count, width], data: predictForest(forest, rows.data as Float32Array, count) }]
    },
    memory: () => ({ tensors: loaded, bytes: loadedBytes }),
    dispose() {
      loaded--
      loadedBytes -= bytes
    },
  })
}
