import type { Model } from '../../../../client/sdk/api.ts'
import { localTrainer } from '../../../../client/sdk/training/local-trainer.ts'
import type { Trainer } from '../../../../client/sdk/training/trainer.ts'
import { createTrainingService } from '../../../../shared/worker/training-service.ts'
import { must } from '../../../../shared/core/assert.ts'
import { wasmPath } from '../../../shared/compute/node-backend.ts'
import { digit, digitLabels } from '../../../shared/data/mnist.ts'

/** Training in this process, on WASM. */
export const nodeTrainer = (): Trainer => localTrainer(createTrainingService({ wasmPath }))

/** A person who draws these digits and says what each was. */
export async function teach(model: Model, images: readonly number[]): Promise<void> {
  for (const at of images) {
    const answer = await model.predict(digit(at))
    await model.feedback(answer.id, String(must(digitLabels[at], 'a label')))
  }
}

/** The places of `count` digits whose label is one of `labels`, from `from` on. */
export function digitsOf(labels: readonly number[], count: number, from = 0): number[] {
  const found: number[] = []
  for (let at = from; at < digitLabels.length && found.length < count; at++) if (labels.includes(digitLabels[at] ?? -1)) found.push(at)
  return found
}
