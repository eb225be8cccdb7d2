import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allFinite } from '../../../shared/compute/finite.ts'
import { checkedRuntime } from '../../../shared/compute/runtime.ts'
import { asNumbers } from '../../../shared/tensor/model-tensor.ts'
import { makeTensor } from '../../../shared/tensor/tensor.ts'

const spec = (name: string) => ({ name, dtype: 'float32', shape: [null, 2] })
const row = (a: number, b: number) => makeTensor('float32', [1, 2], new Float32Array([a, b]))

/** A runtime of no engine at all: it answers with its input, times 1e30. */
function scaling() {
  let disposals = 0
  const runtime = checkedRuntime({
    engine: 'plan',
    backend: 'cpu',
    inputs: [spec('x')],
    outputs: [spec('y')],
    run: async ([x]) => [
      makeTensor(
        'float32',
        [1, 2],
        Float32Array.from(x === undefined ? [] : asNumbers(x, 'x').data, (value) => value * 1e30),
      ),
    ],
    dispose: () => void disposals++,
  })
  return { runtime, disposals: () => disposals }
}

test('[CMP-60] what is not finite is found wherever it stands, and nothing else is taken for it', () => {
  const bad = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)
  const finite = fc.float({ noNaN: true, noDefaultInfinity: true })
  fc.assert(
    fc.property(fc.array(finite, { minLength: 1, maxLength: 40 }), fc.nat(), bad, (values, at, odd) => {
      const data = Float32Array.from(values)
      expect(allFinite(data)).toBe(true)
      data[at % data.length] = odd
      expect(allFinite(data)).toBe(false)
    }),
  )
  expect(allFinite(new Float32Array(0))).toBe(true)
  expect(allFinite(new Float32Array([3.4e38, -3.4e38, 3.4e38, 3.4e38, 1e-45]))).toBe(true)
})

test('[CMP-60] inputs and answers are checked for every engine, and the runtime lives afterwards', async () => {
  const { runtime } = scaling()
  await expect(runtime.predict([])).rejects.toMatchObject({ code: 'shape_mismatch' })
  await expect(runtime.predict([makeTensor('float32', [2], new Float32Array(2))])).rejects.toMatchObject({
    code: 'shape_mismatch',
    detail: 'tensor x must be float32[?,2], got float32[2]',
  })
  await expect(runtime.predict([row(1, Number.NaN)])).rejects.toMatchObject({ code: 'invalid_input', issues: [{ where: 'x' }] })
  await expect(runtime.predict([row(1, 1e30)])).rejects.toMatchObject({ code: 'output_not_finite', issues: [{ where: 'y' }] })
  expect((await runtime.predict([row(0, 1)]))[0]?.data).toEqual(new Float32Array([0, 1e30]))
})

test('[CMP-60] a disposed runtime refuses, and is disposed of once', async () => {
  const { runtime, disposals } = scaling()
  runtime.dispose()
  runtime.dispose()
  expect(disposals()).toBe(1)
  await expect(runtime.predict([row(0, 1)])).rejects.toMatchObject({ code: 'conflict' })
})
