import type { Manifest } from './manifest.ts'

/** Kinds of answers that feedback is counted by: the labels; one where numbers are held to an error bound; none where nothing can be called right. */
export const outcomeClasses = ({ labels, promised }: Pick<Manifest, 'labels' | 'promised'>): number =>
  labels.length > 0 ? labels.length : promised.errorBound === undefined ? 0 : 1
