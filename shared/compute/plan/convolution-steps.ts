import type { ConvolutionShape } from './convolution-shape.ts'
import type { GradientTarget } from './lowering.ts'
import type { Region } from './region.ts'
import type { Step } from './share.ts'

/** What a convolution computes from and to. */
export type ConvolutionPlaces = {
  readonly shape: ConvolutionShape
  /** With the halo that the algorithm reads. */
  readonly input: Region
  readonly output: Region
  /** Address of the filter [height, width, channels, filters]. */
  readonly filter: number
  /** Address of the bias; not read with flag 4. */
  readonly bias: number
  /** Flags of the store, as the kernel convolve has them. */
  readonly flags: number
}

/** A convolution as steps, by one algorithm or another. */
export type ConvolutionSteps = {
  /** Reads the filter only. */
  readonly prepare: Step
  readonly forward: Step
  /** From the gradient by the output, those by input and filter, where they are wanted. */
  backward(gradient: Region, target: Region | undefined, filterTarget: GradientTarget | undefined): Step[]
}
