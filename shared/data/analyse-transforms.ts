import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { analyserOf, type TransformAnalyser } from './transform-analysers.ts'
import { type TransformSpec, type TransformSpecInput, transformSpecsSchema } from './transform-specs.ts'
import { type Batch, batchLength } from './columns.ts'
import type { FrozenTransform } from './transforms.ts'

/** Constants of the specs over rows of any number, in bounded memory: add batches, then finish. */
export type TransformAnalysis = { add(batch: Batch): void; finish(): FrozenTransform[] }

const specInputs = (spec: TransformSpec): readonly string[] => (spec.kind === 'cross' ? spec.inputs : [spec.input])

/**
 * Freezes the constants that the specs need, over the training split. The same rows in the same order give the same constants, however they are cut into batches.
 * @throws AppError invalid_input, in add or finish, where the rows have no such column or its values are of a kind that the transform cannot take.
 */
export function startTransformAnalysis(given: readonly TransformSpecInput[]): TransformAnalysis {
  const parts: { spec: TransformSpec; analyser: TransformAnalyser }[] = transformSpecsSchema
    .parse(given)
    .map((spec) => ({ spec, analyser: analyserOf(spec) }))
  return {
    add: (batch) => {
      const rows = batchLength(batch)
      for (const { spec, analyser } of parts) {
        const columns = specInputs(spec).map((name) => {
          if (!Object.hasOwn(batch, name))
            throw new AppError('invalid_input', `transform ${spec.kind} takes ${name}, which the data does not have`)
          return must(batch[name], name)
        })
        for (const [i, column] of columns.entries()) analyser.add(column, rows, i)
      }
    },
    finish: () => parts.map(({ analyser }) => analyser.finish()),
  }
}

/** The transforms of rows that are all there. */
export function analyseTransforms(specs: readonly TransformSpecInput[], batch: Batch): FrozenTransform[] {
  const analysis = startTransformAnalysis(specs)
  analysis.add(batch)
  return analysis.finish()
}
