import { type Evaluation, evaluatePredictions } from '../../../shared/compute/metrics.ts'
import { predictBatches } from '../../../shared/compute/predict-batches.ts'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import type { Runtime } from '../../../shared/compute/runtime.ts'
import type { Preparation } from './example-form.ts'
import type { ModelFile } from './model-file.ts'
import { type SplitExamples, slicesOf } from './split-examples.ts'
import { wasmPath } from './step-backend.ts'

/** The model on the backend that steps compute on. Throws for one that cannot be loaded, or whose weights do not fit. */
export const openModel = (model: ModelFile): Promise<Runtime> => loadRuntime(model, 'wasm', { wasmPath: wasmPath() })

export type Predicted = { readonly evaluation: Evaluation; readonly probabilities: Float32Array; readonly classes: number }

/** What a model answers on a split, and how good that is: overall, by label, and by the columns that quality is sliced by. */
export async function evaluateModel(
  model: ModelFile,
  split: SplitExamples,
  { labels }: Pick<Preparation, 'labels'>,
  signal: AbortSignal,
): Promise<Predicted> {
  const runtime = await openModel(model)
  try {
    const { values, width } = await predictBatches(runtime, split.examples, { transform: split.transform, signal })
    return {
      evaluation: evaluatePredictions({ values, classes: width }, split.labels, slicesOf(split, labels)),
      probabilities: values,
      classes: width,
    }
  } finally {
    runtime.dispose()
  }
}
