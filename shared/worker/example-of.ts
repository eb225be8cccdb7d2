import { inputOf, selfTestOf } from '../tensor/golden.ts'
import { firstExample, type ModelTensor } from '../tensor/model-tensor.ts'
import type { RunnableManifest } from './inference-api.ts'

/** What ways to run a version are timed on: the golden inputs, which are like those that the model is asked about; of a batch of images or rows its first one. */
export function exampleOf({ selfTest, requires }: Pick<RunnableManifest, 'selfTest' | 'requires'>): ModelTensor[] {
  const inputs = selfTestOf(selfTest).inputs.map((input, i) => inputOf(input, `self-test input ${i}`))
  return requires.runtime === 'tfjs-layers' || requires.runtime === 'trees' ? inputs.map(firstExample) : inputs
}
