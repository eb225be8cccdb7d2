/** What a test of "both samples come from one distribution" found. */
export type TwoSampleResult = {
  /** In the unit of the test: a rank sum, a distance, a standardised difference. */
  readonly statistic: number
  /** Probability of such a statistic, or one further out, where nothing differs. */
  readonly p: number
}

/** Values of two samples; neither is empty and all are finite, which is the caller's to see to. */
export type NumericTest = (reference: ArrayLike<number>, current: ArrayLike<number>) => TwoSampleResult

/** Counts over the same cells, in the same order. */
export type CategoryTest = (reference: readonly number[], current: readonly number[]) => TwoSampleResult
