/** One labelled image of the world. */
export type LabelledImage = { readonly pixels: Uint8Array<ArrayBuffer>; readonly label: string }

/** What came of showing one image to a device. */
export type Seen = { right: boolean; version: number; backend: string }

/** A device of the loop: a browser, or the SDK's core in this process. Both do the same things. */
export type LoopDevice = {
  readonly name: string
  /** Versions that this device found unfit before they ever answered. */
  readonly refused: readonly number[]
  /** Predicts each image; with `feedback` its person says what was right, with `share` the example is given to the fleet. */
  see(images: readonly LabelledImage[], options: { feedback: boolean; share: boolean }): Promise<Seen[]>
  version(): Promise<number | null>
  update(): Promise<void>
  flush(): Promise<void>
}
