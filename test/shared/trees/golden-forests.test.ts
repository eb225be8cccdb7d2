import { expect, test } from 'vitest'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import { must } from '../../../shared/core/assert.ts'
import { sha256 } from '../../../shared/core/digest.ts'
import { asNumbers } from '../../../shared/tensor/model-tensor.ts'
import { FOREST_ANSWERS } from '../../../shared/trees/forest.ts'
import { GOLDEN_ANSWERS, goldenVersion } from './golden-forests.ts'

test.each(FOREST_ANSWERS)('[CMP-120] trees answer in Node with the bits that were written down: %s', async (answer) => {
  const { model, values, rows } = await goldenVersion(answer)
  const runtime = await loadRuntime(model, 'cpu')
  const [output] = await runtime.predict([{ dtype: 'float32', shape: [rows.length, values.length / rows.length], data: values }])
  const { data } = asNumbers(must(output, 'an output'), 'output')
  expect(await sha256(new Uint8Array(data.buffer))).toBe(GOLDEN_ANSWERS[answer])
  runtime.dispose()
})
