import { expect, test } from 'vitest'
import { quickerOf } from '../../../../shared/compute/plan/quicker.ts'
import { seededRandom } from '../../../../shared/core/random.ts'

/** How often each way is taken in so many pieces of work, of which each takes what it costs by now, give or take. */
function taken(costs: (at: number) => { together: number; alone: number }, pieces: number) {
  const random = seededRandom(1)
  const quicker = quickerOf('together', 'alone')
  return Array.from({ length: pieces }, (_, i) => {
    const way = quicker.next()
    // one in five is disturbed
    quicker.took(way, costs(i)[way] * (random.integer(5) === 0 ? 10 : 1 + random.uniform() / 10))
    return way
  })
}

test('[CMP-122] the quicker way is taken but for a few trials', () => {
  for (const [together, alone] of [
    [1, 2],
    [2, 1],
  ] as const) {
    const ways = taken(() => ({ together, alone }), 2000)
    expect(ways.slice(0, 4)).toEqual(['together', 'alone', 'together', 'alone'])
    expect(ways.filter((way) => way === (together < alone ? 'alone' : 'together')).length).toBeLessThan(60)
  }
})

test('[CMP-122] it changes where the machine does', () => {
  const ways = taken((at) => (at < 2000 ? { together: 1, alone: 2 } : { together: 3, alone: 2 }), 4000)
  expect(ways.slice(2600).filter((way) => way === 'together').length).toBeLessThan(140)
})
