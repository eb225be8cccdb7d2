import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../shared/core/digest.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { applyTransforms } from '../../../shared/data/apply-transforms.ts'
import { columnsOf } from '../../../shared/data/columns.ts'
import { analyseTransforms } from '../../../shared/data/analyse-transforms.ts'
import { frozenTransformsSchema, rowWidth } from '../../../shared/data/transforms.ts'
import { digitColumn } from './mnist.ts'
import { GOLDEN_DIGEST, GOLDEN_FEATURES, goldenFeatures, goldenInputs } from './transform-golden.ts'

const rows = Array.from({ length: 100 }, (_, i) => ({
  delay: i,
  share: i / 7,
  carrier: ['AA', 'AA', 'UA', 'DL', `rare ${i}`][i % 5] ?? null,
  same: 3,
}))
const training = columnsOf(rows)

describe('[DAT-11] transforms', () => {
  test('[DAT-11] constants are frozen over the training split and survive JSON', () => {
    const frozen = analyseTransforms(
      [
        { kind: 'standardize', input: 'delay' },
        { kind: 'min-max', input: 'share' },
        { kind: 'one-hot', input: 'carrier', top: 2 },
        { kind: 'passthrough', input: 'same' },
      ],
      training,
    )
    expect(frozenTransformsSchema.parse(JSON.parse(JSON.stringify(frozen)))).toEqual(frozen)
    expect(frozen[2]).toEqual({ kind: 'one-hot', input: 'carrier', values: ['AA', 'DL'] })
    expect(rowWidth(frozen)).toBe(1 + 1 + 3 + 1)
    const deviation = Math.sqrt((100 * 101) / 12)
    const output = applyTransforms(
      frozen,
      columnsOf([
        { delay: 49.5, share: 0, carrier: 'DL', same: 3 },
        { delay: 49.5 + deviation, share: 99 / 14, carrier: 'new', same: 4 },
      ]),
    )
    ;[0, 0, 0, 1, 0, 3, 1, 0.5, 0, 0, 1, 4].forEach((expected, i) => expect(output[i]).toBeCloseTo(expected, 5))
  })

  test('[DAT-11] missing and odd values give finite inputs; values outside the training range are cut', () => {
    const frozen = analyseTransforms(
      [
        { kind: 'standardize', input: 'delay' },
        { kind: 'min-max', input: 'share' },
        { kind: 'standardize', input: 'same' },
        { kind: 'one-hot', input: 'carrier', top: 1 },
      ],
      training,
    )
    const odd = [null, Number.NaN, Infinity, '', undefined].map((value) => ({ delay: value, share: value, same: 3, carrier: null }))
    const output = applyTransforms(frozen, columnsOf(odd))
    for (let row = 0; row < odd.length; row++) expect([...output.subarray(row * 5, row * 5 + 5)]).toEqual([0, 0.5, 0, 0, 1])
    expect([...applyTransforms(frozen.slice(1, 2), { share: [-5, 500] })]).toEqual([0, 1])
  })

  test('[DAT-11] images become floats: value / 255, shifted and scaled where asked for', () => {
    const images = { image: digitColumn(0, 20) }
    const plain = applyTransforms(analyseTransforms([{ kind: 'image-scale', input: 'image' }], images), { image: digitColumn(0, 2) })
    const { pixels } = digitColumn(0, 2)
    expect(plain).toEqual(Float32Array.from(pixels, (byte) => byte / 255))
    const shifted = applyTransforms(
      analyseTransforms([{ kind: 'image-scale', input: 'image', mean: [0.1307], deviation: [0.3081] }], images),
      { image: digitColumn(0, 2) },
    )
    expect(shifted).toEqual(Float32Array.from(pixels, (byte) => (byte / 255 - 0.1307) / 0.3081))
    const colours = { kind: 'images', height: 1, width: 2, channels: 3, pixels: Uint8Array.of(0, 51, 102, 153, 204, 255) } as const
    const perChannel = analyseTransforms([{ kind: 'image-scale', input: 'c', mean: [0, 0.2, 0.4] }], { c: colours })
    applyTransforms(perChannel, { c: colours }).forEach((value, i) => expect(value).toBeCloseTo([0, 0, 0, 0.6, 0.6, 0.6][i] ?? 0, 6))
  })

  test('[DAT-12] a row gives the same bits alone, in a batch, and from constants that went through JSON', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ delay: fc.double(), share: fc.oneof(fc.double(), fc.constant(null)), carrier: fc.constantFrom('AA', 'UA', 'x') }),
          { minLength: 1, maxLength: 10 },
        ),
        (some) => {
          const frozen = analyseTransforms(
            [
              { kind: 'standardize', input: 'delay' },
              { kind: 'min-max', input: 'share' },
              { kind: 'one-hot', input: 'carrier' },
            ],
            training,
          )
          const thawed = frozenTransformsSchema.parse(JSON.parse(JSON.stringify(frozen)))
          const together = applyTransforms(frozen, columnsOf(some))
          const alone = some.flatMap((row) => [...applyTransforms(thawed, columnsOf([row]))])
          expect(together).toEqual(Float32Array.from(alone))
        },
      ),
    )
  })

  test('[DAT-12] the bits are those of this digest on every engine, as are the monitored numbers of an image', async () => {
    expect(await sha256(goldenInputs())).toBe(GOLDEN_DIGEST)
    expect(goldenFeatures()).toEqual(GOLDEN_FEATURES)
  })

  test('[DAT-11] what does not fit is refused with the name of the input', () => {
    const frozen = analyseTransforms([{ kind: 'image-scale', input: 'image' }], { image: digitColumn(0, 2) })
    const small = { kind: 'images', height: 14, width: 14, channels: 1, pixels: new Uint8Array(196) } as const
    const code = (run: () => unknown) => {
      try {
        run()
      } catch (thrown) {
        return thrown instanceof AppError
          ? `${thrown.code}: ${/\b(image|delay|carrier|nowhere)\b(?!-)/.exec(thrown.detail)?.[0]}`
          : String(thrown)
      }
      return 'accepted'
    }
    expect(code(() => applyTransforms(frozen, { image: small }))).toBe('shape_mismatch: image')
    expect(code(() => applyTransforms(frozen, {}))).toBe('invalid_input: image')
    expect(code(() => applyTransforms(frozen, { image: [1] }))).toBe('invalid_input: image')
    expect(code(() => analyseTransforms([{ kind: 'standardize', input: 'nowhere' }], training))).toBe('invalid_input: nowhere')
    expect(code(() => analyseTransforms([{ kind: 'standardize', input: 'carrier' }], training))).toBe('invalid_input: carrier')
    expect(code(() => analyseTransforms([{ kind: 'image-scale', input: 'delay' }], training))).toBe('invalid_input: delay')
  })
})
