import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../shared/core/random.ts'
import { makeCategoricalReference } from '../../../shared/stats/categorical-reference.ts'
import { type Counters, startCounting } from '../../../shared/stats/counters.ts'
import { must } from '../../../shared/core/assert.ts'
import { scoreDrift, scoreDriftAll } from '../../../shared/stats/drift.ts'
import { driftCells, pooledCells } from '../../../shared/stats/drift-cells.ts'
import { eBenjaminiHochberg, holm } from '../../../shared/stats/multiplicity.ts'
import { makeNumericReference } from '../../../shared/stats/numeric-reference.ts'
import type { Reference, References } from '../../../shared/stats/reference.ts'
import { normals } from './draws.ts'

type Value = string | number | null

function counted(reference: Reference, values: readonly Value[]) {
  const counting = startCounting({ x: reference })
  for (const value of values) counting.observe('x', value)
  return must(counting.take()['x'], 'counts')
}

const reference = makeNumericReference(normals(seededRandom(1), 5000), 16)

describe('[STA-10] drift of one feature', () => {
  test('[STA-10] below the minimum nothing is said but how much is missing', () => {
    const few = counted(reference, normals(seededRandom(2), 50))
    expect(scoreDrift({ reference, counters: few, minimumN: 200 })).toMatchObject({
      status: 'insufficient',
      n: 50,
      effect: null,
      p: null,
      needMore: { samples: 150, devices: null },
    })
    const score = scoreDrift({ reference, counters: few, minimumN: 200, devices: 5, minimumDevices: 8, feature: 'ink' })
    expect(score.needMore).toEqual({ samples: 150, devices: 15 })
    expect(score.sentence).toBe('ink: not enough to say after 50 values from 5 devices; need 15 more devices (about 150 values).')
    const none = counted(reference, [])
    expect(scoreDrift({ reference, counters: none, devices: 0 }).status).toBe('insufficient')
  })

  test('[STA-10] a shift is drift, with its cell named', () => {
    const score = scoreDrift({ reference, counters: counted(reference, normals(seededRandom(3), 400, 1.5)), feature: 'ink' })
    expect(score.status).toBe('drift')
    expect(score.effect).toBeGreaterThan(0.5)
    expect(score.p?.decision).toBeLessThan(1e-20)
    expect(score.distances?.wasserstein).toBeGreaterThan(1.3)
    expect(score.distances?.wasserstein).toBeLessThan(1.7)
    expect(score.sentence).toMatch(/^ink drifted: .* went from .* %; effect /)
  })

  test('[STA-10] a trifle in very many values is watched, not drift', () => {
    const score = scoreDrift({
      reference: makeNumericReference(normals(seededRandom(4), 40_000), 16),
      counters: counted(makeNumericReference(normals(seededRandom(4), 40_000), 16), normals(seededRandom(5), 40_000, 0.08)),
    })
    expect(score.p?.decision).toBeLessThan(1e-6)
    expect(score).toMatchObject({ status: 'watch', needMore: null })
  })

  test('[STA-10] a large change in few values asks for as many more as decide it', () => {
    const few = [...normals(seededRandom(6), 60), ...normals(seededRandom(7), 8, 3)]
    const score = scoreDrift({ reference, counters: counted(reference, few), minimumN: 50, alpha: 1e-12, margin: 0.05 })
    expect(score.status).toBe('watch')
    const more = must(score.needMore, 'needMore').samples
    const times = Math.ceil((few.length + more) / few.length)
    const decided = scoreDrift({
      reference,
      counters: counted(reference, Array.from({ length: times }, () => few).flat()),
      minimumN: 50,
      alpha: 1e-12,
      margin: 0.05,
    })
    expect(decided.status).toBe('drift')
  })

  test('[STA-10] new missing values, NaN and unknown categories are drift', () => {
    const values = normals(seededRandom(8), 300)
    for (const odd of [null, Number.NaN, Infinity]) {
      const score = scoreDrift({
        reference,
        counters: counted(
          reference,
          values.map((x, i) => (i % 10 === 0 ? odd : x)),
        ),
      })
      expect(score.status).toBe('drift')
    }
    const colours = makeCategoricalReference(Array.from({ length: 900 }, (_, i) => ['red', 'green', 'blue'][i % 3] ?? null))
    const score = scoreDrift({
      reference: colours,
      counters: counted(
        colours,
        Array.from({ length: 300 }, (_, i) => ['red', 'green', 'blue', 'pink'][i % 4] ?? null),
      ),
    })
    expect(score.status).toBe('drift')
    expect(score.sentence).toContain('other values went from 0 % to 25 %')
    expect(score.distances).toMatchObject({ kolmogorovSmirnov: null, wasserstein: null })
  })

  test('[STA-10] a constant feature that stays constant is ok, one that moves is drift', () => {
    const constant = makeNumericReference(new Array<number>(500).fill(3))
    expect(scoreDrift({ reference: constant, counters: counted(constant, new Array<number>(300).fill(3)) }).status).toBe('ok')
    expect(scoreDrift({ reference: constant, counters: counted(constant, new Array<number>(300).fill(4)) }).status).toBe('drift')
  })

  test('[STA-10] cells are joined until each is expected five times, and none is lost', () => {
    const values = normals(seededRandom(9), 40)
    const cells = driftCells(reference, counted(reference, [...values, null]))
    const pooled = pooledCells(cells)
    expect(pooled.reduce((sum, cell) => sum + cell.current, 0)).toBe(41)
    expect(pooled.reduce((sum, cell) => sum + cell.reference, 0)).toBe(5000)
    const smaller = 41 / 5041
    for (const cell of pooled) expect((cell.reference + cell.current) * smaller).toBeGreaterThanOrEqual(5)
  })
})

describe('[STA-11] several features', () => {
  test('[STA-11] Holm and e-BH reject what their definitions say', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005], 0.05)).toEqual([true, false, false, true])
    expect(holm([], 0.05)).toEqual([])
    // e-values 100, 30, 30, 1 at 0.1 and K = 4: the third largest has to reach 4 / (3 * 0.1) = 13.3
    expect(eBenjaminiHochberg([100, 1, 30, 30].map(Math.log), 0.1)).toEqual([true, false, true, true])
    expect(eBenjaminiHochberg([30, 1, 1, 1].map(Math.log), 0.1)).toEqual([false, false, false, false])
  })

  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const references: References = Object.fromEntries(
    names.map((name, i) => [name, makeNumericReference(normals(seededRandom(100 + i), 2000), 16)]),
  )
  const observe = (random: ReturnType<typeof seededRandom>, n: number, shift: Record<string, number> = {}): Counters => {
    const counting = startCounting(references)
    for (const name of names) for (const x of normals(random, n, shift[name] ?? 0)) counting.observe(name, x)
    return counting.take()
  }

  test('[STA-11] the drifted features are named, and no others', () => {
    const verdict = scoreDriftAll({ references, counters: observe(seededRandom(50), 400, { c: 1, g: -1 }) })
    expect(verdict).toMatchObject({ status: 'drift', drifted: ['c', 'g'], needMore: null })
    expect(verdict.features.map((score) => score.feature)).toEqual(names)
    expect(verdict.sentence).toMatch(/^[cg] drifted: .* The same holds for 1 more\.$/)
    expect(scoreDriftAll({ references, counters: {} })).toMatchObject({ status: 'insufficient', needMore: { samples: 200 } })
  })

  test('[STA-12] false alarms over all features together stay at alpha', () => {
    const random = seededRandom(77)
    const runs = 600
    let alarms = 0
    for (let run = 0; run < runs; run++) {
      // significance alone: the margin of effect would hide what is tested here
      if (
        scoreDriftAll({ references: freshReferences(random), counters: observeFresh(random, 250), alpha: 0.05, margin: -1 }).drifted
          .length > 0
      )
        alarms++
    }
    expect(alarms / runs).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs))
    expect(alarms).toBeGreaterThan(0)
  })

  const three = ['a', 'b', 'c']
  let drawn: References = {}
  function freshReferences(random: ReturnType<typeof seededRandom>): References {
    drawn = Object.fromEntries(three.map((name) => [name, makeNumericReference(normals(random, 800), 16)]))
    return drawn
  }
  function observeFresh(random: ReturnType<typeof seededRandom>, n: number): Counters {
    const counting = startCounting(drawn)
    for (const name of three) for (const x of normals(random, n)) counting.observe(name, x)
    return counting.take()
  }
})

describe('[STA-13] values of one device are not independent evidence', () => {
  test('[STA-13] with the device effect taken off, devices that differ among themselves raise no alarm', () => {
    const random = seededRandom(13)
    let naive = 0
    let aware = 0
    const runs = 150
    for (let run = 0; run < runs; run++) {
      // 20 devices of 40 values; three tenths of the variance lie between devices
      const values = Array.from({ length: 20 }, () => normals(random, 40, normals(random, 1, 0, Math.sqrt(0.3))[0], Math.sqrt(0.7))).flat()
      const counters = counted(reference, values)
      const options = { reference, counters, alpha: 0.01, margin: -1 }
      if (scoreDrift(options).status === 'drift') naive++
      if (scoreDrift({ ...options, devices: 20, correlation: 0.3 }).status === 'drift') aware++
    }
    expect(naive / runs).toBeGreaterThan(0.2)
    expect(aware / runs).toBeLessThan(0.05)
  })
})
