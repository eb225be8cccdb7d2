import { chiSquareTwoSample } from '../distance-nulls.ts'
import { fisherExact } from './fisher-exact.ts'
import { gTest } from './g-test.ts'
import type { CategoryTestName } from './test-names.ts'
import { totalVariation } from './total-variation.ts'
import type { CategoryTest } from './two-sample-test.ts'

/** Tests of categories by name. */
export const categoryTests: Readonly<Record<CategoryTestName, CategoryTest>> = {
  'chi-square': chiSquareTwoSample,
  'g-test': gTest,
  'total-variation': totalVariation,
  'fisher-exact': fisherExact,
}
