import { expect, test } from 'vitest'
import { sha256 } from '../../../shared/core/digest.ts'
import { FITTED_DIGEST, fittedInputs } from './fitted-golden.ts'
import { GOLDEN_CONSTANTS, GOLDEN_INPUTS, goldenRows } from './golden-rows.ts'
import { GOLDEN_DIGEST, GOLDEN_FEATURES, goldenFeatures, goldenInputs } from './transform-golden.ts'

test('[DAT-12] model inputs have the same bits in a browser as on the server', async () => {
  expect(await sha256(goldenInputs())).toBe(GOLDEN_DIGEST)
})

test('[DAT-9] an image has the same monitored numbers in a browser as on the server', () => {
  expect(goldenFeatures()).toEqual(GOLDEN_FEATURES)
})

test('[DAT-60] rows of every kind become the same bits in a browser as on the server', async () => {
  const { constants, inputs } = goldenRows()
  expect(await sha256(inputs)).toBe(GOLDEN_INPUTS)
  expect(await sha256(constants)).toBe(GOLDEN_CONSTANTS)
})

test('[DAT-62] centred and resized images have the same bits in a browser as on the server', async () => {
  expect(await sha256(fittedInputs())).toBe(FITTED_DIGEST)
})
