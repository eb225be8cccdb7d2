import { must } from '../../../shared/core/assert.ts'
import type { Runtime } from '../../../shared/compute/runtime.ts'
import type { SelfTest } from '../../../shared/tensor/golden.ts'
import type { RunnableManifest } from '../../../shared/worker/inference-api.ts'
import type { Preparation } from './example-form.ts'
import { formatOf, type ModelFile } from './model-file.ts'

const shapeOf = (dimensions: readonly (number | null)[]): number[] => dimensions.map((dimension) => dimension ?? -1)

/** What a device needs of a trained model's manifest in order to answer: the same for a candidate under test and for the version that is registered. */
export function runnableManifest(
  file: Pick<ModelFile, 'topology'>,
  prepared: Preparation,
  runtime: Pick<Runtime, 'inputs' | 'outputs'>,
  selfTest: SelfTest,
): RunnableManifest {
  const [input, output] = [must(runtime.inputs[0], 'the model input'), must(runtime.outputs[0], 'the model output')]
  return {
    topology: file.topology,
    signature: {
      inputs: [{ name: input.name, datatype: 'FP32', shape: shapeOf(input.shape) }],
      outputs: [{ name: output.name, datatype: 'FP32', shape: shapeOf(output.shape) }],
    },
    transforms: prepared.transforms,
    labels: prepared.labels,
    monitors: prepared.form.kind === 'image' ? 'image' : 'columns',
    selfTest,
    requires: { runtime: formatOf(file), shoal: '0.1.0' },
  }
}
