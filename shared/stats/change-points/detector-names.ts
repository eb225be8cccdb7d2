/** What values a detector takes: any number, a share (0 to 1), or an error (1) and its absence (0). */
export type DetectorInput = 'number' | 'share' | 'error'

/** Detectors of change in a stream, with what they take. */
export const detectorInputs = {
  adwin: 'number',
  'page-hinkley': 'number',
  kswin: 'number',
  'hddm-a': 'share',
  'hddm-w': 'share',
  ddm: 'error',
  eddm: 'error',
} as const satisfies Record<string, DetectorInput>

export type ChangeDetectorName = keyof typeof detectorInputs
