import type { Random } from '../../shared/core/random.ts'
import { type ImageDrift, inTurn, inverted, rotated } from '../fixtures/image-drift.ts'
import { digit, DIGIT, digitLabels } from '../shared/data/mnist.ts'
import type { LabelledImage } from './loop-device.ts'

/** What the people of the loop write: MNIST's test digits, which no training ever saw, as they are or drifted. */
export type World = { readonly name: string; draw(random: Random, n: number): LabelledImage[]; all(): LabelledImage[] }

const makeWorld = (name: string, change: ImageDrift | undefined): World => {
  const image = (i: number): LabelledImage => {
    const original = digit(i)
    const pixels = change ? change(original, DIGIT) : Uint8Array.from(original)
    return { pixels: pixels as Uint8Array<ArrayBuffer>, label: String(digitLabels[i]) }
  }
  return {
    name,
    draw: (random, n) => Array.from({ length: n }, () => image(random.integer(digitLabels.length))),
    all: () => Array.from({ length: digitLabels.length }, (_, i) => image(i)),
  }
}

export const usualWorld = makeWorld('as written', undefined)

/** Another pen, another way to hold the phone: light on dark becomes dark on light, and everything leans by 30 degrees. */
export const driftedWorld = makeWorld('rotated and inverted', inTurn(rotated(30), inverted))
