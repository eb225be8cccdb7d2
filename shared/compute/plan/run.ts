/** What changes from step to step. Lowerings read it inside their steps, never before. */
export type Run = {
  /** Examples in this batch, at most `batchSize`. */
  images: number
  /** False in evaluation and inference: dropout lets everything pass, normalisation uses its moving averages. */
  training: boolean
  /** The step size of a fused update. */
  rate: number
  /** Changes with every step; a seeded draw belongs to it and to the layer's place. */
  key: number
  /** The optimizer's steps up to this one. */
  step: number
  /** Address of bytes that a kernel may use while it runs, in this thread: as many as the largest request of `needScratch`. */
  scratch: number
  /** Threads of the plan; see share.ts. */
  readonly parts: number
}
