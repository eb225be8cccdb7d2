import { predictBatches } from '../../../shared/compute/predict-batches.ts'
import type { Runtime } from '../../../shared/compute/runtime.ts'
import { answersWithNumber, type Preparation } from './example-form.ts'
import { type Answers, bothClasses } from './measured.ts'
import { formatOf, type ModelFile } from './model-file.ts'
import type { SplitExamples } from './split-examples.ts'
import { wasmPath } from './step-backend.ts'

/** The model on the backend that steps compute on; trees on the CPU. Throws for one that cannot be loaded, or whose weights do not fit. */
export async function openModel(model: ModelFile): Promise<Runtime> {
  // tfjs: loaded where it answers, not where the server knows its components
  const { loadRuntime } = await import('../../../shared/compute/load-runtime.ts')
  const format = formatOf(model)
  return loadRuntime({ ...model, format }, format === 'trees' ? 'cpu' : 'wasm', { wasmPath: wasmPath() })
}

/** What a model answers on a split: probabilities of every label, or numbers. */
export async function answersOf(
  model: ModelFile,
  split: SplitExamples,
  prepared: Pick<Preparation, 'labels'>,
  signal: AbortSignal,
): Promise<Answers> {
  const runtime = await openModel(model)
  try {
    const answers = await predictBatches(runtime, split.examples, { transform: split.transform, signal })
    return answersWithNumber(prepared) ? answers : bothClasses(answers)
  } finally {
    runtime.dispose()
  }
}
