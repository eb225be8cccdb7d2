import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../shared/core/random.ts'
import { IMAGE_FEATURES, imageFeatures } from '../../../shared/data/image-features.ts'
import { startCounting } from '../../../shared/stats/counters.ts'
import { scoreDriftAll } from '../../../shared/stats/drift.ts'
import { makeNumericReference } from '../../../shared/stats/numeric-reference.ts'
import type { References } from '../../../shared/stats/reference.ts'
import { blank, blurred, type ImageDrift, inTurn, inverted, noisy, rotated } from '../../fixtures/image-drift.ts'
import { DIGIT, digit, drawDigits } from './mnist.ts'

/** A picture from text: # is white. */
function picture(...lines: string[]): { pixels: Uint8Array; height: number; width: number } {
  return { pixels: Uint8Array.from(lines.join(''), (mark) => (mark === '#' ? 255 : 0)), height: lines.length, width: lines[0]?.length ?? 0 }
}
const featuresOf = (...lines: string[]) => {
  const { pixels, ...size } = picture(...lines)
  return imageFeatures(pixels, size)
}

describe('[DAT-9] numbers of an image', () => {
  test('[DAT-9] a bar has the brightness, centre, angle and extent that it has', () => {
    const upright = featuresOf('.#...', '.#...', '.#...', '.#...')
    expect(upright).toMatchObject({ brightness: 0.2, ink: 0.2, orientation: 0 })
    expect(upright.contrast).toBeCloseTo(0.4, 12)
    expect(upright.centroidX).toBeCloseTo(0.3, 12)
    expect(upright.centroidY).toBeCloseTo(0.5, 12)
    // a bar of 4 x 1: the root of the ratio of its moments 1/12 and 16/12
    expect(upright.extent).toBeCloseTo(0.25, 12)
    // 8 of 31 neighbouring pairs differ: left and right of the bar
    expect(upright.edges).toBeCloseTo(8 / 31, 12)
    expect(Math.abs(featuresOf('....', '####', '....').orientation)).toBeCloseTo(90, 9)
    expect(featuresOf('...#', '..#.', '.#..', '#...').orientation).toBeCloseTo(45, 9)
    expect(featuresOf('#...', '.#..', '..#.', '...#').orientation).toBeCloseTo(-45, 9)
  })

  test('[DAT-9] a blank frame has no foreground: its place and shape are not numbers', () => {
    expect(featuresOf('...', '...')).toEqual({
      brightness: 0,
      contrast: 0,
      ink: 0,
      centroidX: Number.NaN,
      centroidY: Number.NaN,
      orientation: Number.NaN,
      extent: Number.NaN,
      edges: 0,
    })
    expect(featuresOf('##', '##')).toMatchObject({ ink: 1, extent: 1, edges: 0 })
  })

  test('[DAT-9] floats from 0 to 1 and grey in three or four channels give the same numbers as bytes', () => {
    const bytes = imageFeatures(digit(5), DIGIT)
    const floats = imageFeatures(
      Float32Array.from(digit(5), (x) => x / 255),
      DIGIT,
      1,
    )
    for (const name of IMAGE_FEATURES) expect(floats[name]).toBeCloseTo(bytes[name], 5)
    for (const channels of [2, 3, 4]) {
      const repeated = Uint8Array.from({ length: 784 * channels }, (_, i) => {
        const alpha = (channels === 2 || channels === 4) && i % channels === channels - 1
        return alpha ? 255 : (digit(5)[Math.floor(i / channels)] ?? 0)
      })
      expect(imageFeatures(repeated, { ...DIGIT, channels })).toEqual(bytes)
    }
  })

  test('[DAT-9] a turned digit has its angle turned with it', () => {
    const ones = drawDigits(seededRandom(1), 3000).filter((image) => {
      const { extent, orientation } = imageFeatures(image, DIGIT)
      return extent < 0.25 && Math.abs(orientation) < 30
    })
    expect(ones.length).toBeGreaterThan(100)
    for (const image of ones) {
      const turned = imageFeatures(rotated(30)(image, DIGIT), DIGIT).orientation - imageFeatures(image, DIGIT).orientation
      expect(Math.abs(turned - 30)).toBeLessThan(8)
    }
  })
})

const referencesOf = (images: readonly Uint8Array[]): References => {
  const all = images.map((image) => imageFeatures(image, DIGIT))
  return Object.fromEntries(
    IMAGE_FEATURES.map((name) => [
      name,
      makeNumericReference(
        all.map((one) => one[name]),
        16,
      ),
    ]),
  )
}

function verdictOf(references: References, images: readonly Uint8Array[], alpha = 0.001) {
  const counting = startCounting(references)
  for (const image of images) counting.observeRow(imageFeatures(image, DIGIT))
  return scoreDriftAll({ references, counters: counting.take(), alpha })
}

describe('[DAT-10] drift of real handwriting', () => {
  test('[DAT-10] two random halves of it do not differ: 40 pairs of 2,000 at alpha 0.001, even without a margin', () => {
    for (let seed = 0; seed < 40; seed++) {
      const images = drawDigits(seededRandom(seed), 4000)
      const references = referencesOf(images.slice(0, 2000))
      const counting = startCounting(references)
      for (const image of images.slice(2000)) counting.observeRow(imageFeatures(image, DIGIT))
      const counters = counting.take()
      expect(scoreDriftAll({ references, counters, alpha: 0.001 }).status).toBe('ok')
      expect(scoreDriftAll({ references, counters, alpha: 0.001, margin: -1 }).drifted).toEqual([])
    }
  })

  const random = seededRandom(99)
  const images = drawDigits(random, 3000)
  const references = referencesOf(images.slice(0, 2000))
  const drifts: [string, ImageDrift, number, string][] = [
    ['turned by 30 degrees', rotated(30), 300, 'orientation'],
    ['turned by -30 degrees', rotated(-30), 300, 'orientation'],
    ['inverted', inverted, 200, 'brightness'],
    ['inverted and turned', inTurn(rotated(30), inverted), 200, 'ink'],
    ['blurred', blurred(1), 200, 'edges'],
    ['noisy', noisy(seededRandom(3), 40), 200, 'edges'],
    ['blank', blank(), 200, 'centroidX'],
    [
      'blank one in ten',
      (image, size) => (image[400] === 0 && image[380] === 0 ? blank()(image, size) : Uint8Array.from(image)),
      300,
      'ink',
    ],
  ]
  test.each(drifts)('[DAT-10] digits that are %s are found', (_, drift, n, feature) => {
    const verdict = verdictOf(
      references,
      images.slice(2000, 2000 + n).map((image) => drift(image, DIGIT)),
    )
    expect(verdict.status).toBe('drift')
    expect(verdict.drifted).toContain(feature)
  })
})
