import { adwin } from './adwin.ts'
import type { ChangeDetector } from './change-detector.ts'
import { ddm } from './ddm.ts'
import type { ChangeDetectorName } from './detector-names.ts'
import { eddm } from './eddm.ts'
import { hddmAverage } from './hddm-average.ts'
import { hddmWeighted } from './hddm-weighted.ts'
import { kswin } from './kswin.ts'
import { pageHinkley } from './page-hinkley.ts'

/** Detectors of change in a stream, by name. */
export const changeDetectors: Readonly<Record<ChangeDetectorName, () => ChangeDetector>> = {
  adwin: () => adwin(),
  'page-hinkley': () => pageHinkley(),
  kswin: () => kswin(),
  'hddm-a': () => hddmAverage({ twoSided: true }),
  'hddm-w': () => hddmWeighted({ twoSided: true }),
  ddm: () => ddm(),
  eddm: () => eddm(),
}
