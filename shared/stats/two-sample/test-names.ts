/** Tests of numbers. */
export const numericTestNames = [
  'kolmogorov-smirnov',
  'anderson-darling',
  'cramer-von-mises',
  'epps-singleton',
  'mann-whitney',
  't-test',
  'energy',
  'median-shift',
  'q90-shift',
] as const
export type NumericTestName = (typeof numericTestNames)[number]

/** Tests of categories. Fisher's takes two of them. */
export const categoryTestNames = ['chi-square', 'g-test', 'total-variation', 'fisher-exact'] as const
export type CategoryTestName = (typeof categoryTestNames)[number]
