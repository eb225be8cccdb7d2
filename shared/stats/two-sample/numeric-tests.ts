import { andersonDarling } from './anderson-darling.ts'
import { cramerVonMises } from './cramer-von-mises.ts'
import { energyDistance } from './energy-distance.ts'
import { eppsSingleton } from './epps-singleton.ts'
import { kolmogorovSmirnovTwoSample } from './kolmogorov-smirnov.ts'
import { mannWhitney } from './mann-whitney.ts'
import { quantileShift } from './quantile-shift.ts'
import type { NumericTestName } from './test-names.ts'
import { tTest } from './t-test.ts'
import type { NumericTest } from './two-sample-test.ts'

/** Tests of numbers by name. */
export const numericTests: Readonly<Record<NumericTestName, NumericTest>> = {
  'kolmogorov-smirnov': kolmogorovSmirnovTwoSample,
  'anderson-darling': andersonDarling,
  'cramer-von-mises': cramerVonMises,
  'epps-singleton': eppsSingleton,
  'mann-whitney': mannWhitney,
  't-test': tTest,
  energy: energyDistance,
  'median-shift': (reference, current) => quantileShift(reference, current, { quantile: 0.5 }),
  'q90-shift': (reference, current) => quantileShift(reference, current, { quantile: 0.9 }),
}
