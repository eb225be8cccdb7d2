import { must } from '../core/assert.ts'
import { asNumbers } from '../tensor/model-tensor.ts'
import { sizeOf } from '../tensor/tensor.ts'
import { yieldToEventLoop } from './event-loop.ts'
import { asIs, type BatchTransform, checkExamples, countOf, type Examples, gatherBatch } from './examples.ts'
import { AppError } from '../core/errors.ts'
import type { Runtime } from './runtime.ts'

/** The first output for many examples, one row after another: `width` values per example. For models with one input. */
export async function predictBatches(
  runtime: Runtime,
  examples: Examples,
  options: { batchSize?: number; transform?: BatchTransform; signal?: AbortSignal } = {},
): Promise<{ values: Float32Array<ArrayBuffer>; width: number }> {
  checkExamples('examples', examples, undefined)
  const { batchSize = 256, transform = asIs } = options
  const spec = must(runtime.inputs[0], 'the model input')
  const count = countOf(examples)
  let values: Float32Array<ArrayBuffer> | undefined
  let width = 0
  for (let from = 0; from < count; from += batchSize) {
    if (options.signal?.aborted) throw new AppError('aborted', 'prediction was aborted', { cause: options.signal.reason })
    const size = Math.min(batchSize, count - from)
    const data = gatherBatch(
      examples,
      Int32Array.from({ length: size }, (_, i) => from + i),
      transform,
    )
    const shape = [size, ...spec.shape.slice(1).map(Number)]
    const [answer] = await runtime.predict([{ dtype: 'float32', shape, data }])
    const rows = asNumbers(must(answer, 'the first output'), 'output 0')
    width = sizeOf(rows.shape.slice(1))
    values ??= new Float32Array(count * width)
    values.set(rows.data, from * width)
    await yieldToEventLoop()
  }
  return { values: must(values, 'at least one batch'), width }
}
