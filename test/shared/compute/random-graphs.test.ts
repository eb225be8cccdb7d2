import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { unwrap } from '../../../shared/core/result.ts'
import { type Gradients, planGradients, tfjsGradients, trialData } from './layer-trial.ts'
import { start } from './node-backend.ts'
import { randomTopology } from './random-topology.ts'

beforeAll(() => start('cpu'))

/** Over all weights together: behind a normalisation single gradients are nothing but rounding. */
function distanceOfAll(got: Gradients, want: Gradients): number {
  let [difference, norm] = [0, 0]
  for (const [name, values] of Object.entries(want.byWeight))
    for (const [i, value] of values.entries()) {
      difference += (value - (got.byWeight[name]?.[i] ?? Number.NaN)) ** 2
      norm += value ** 2
    }
  return Math.sqrt(difference / norm)
}

test('[CMP-44] random graphs of layers that plans know train as on the CPU backend', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 6 }), async (seed, depth) => {
      const topology = randomTopology(seed, depth)
      const data = trialData({ input: [6, 5, 3], apply: (x) => x })
      const want = await tfjsGradients(topology, data, 'cpu')
      expect(distanceOfAll(unwrap(await planGradients(topology, data)), want), JSON.stringify(topology)).toBeLessThan(1e-4)
    }),
    // the same graphs each time: whether a new one meets a tie that the two engines break differently is for a longer search, not for a check of a change
    { numRuns: 40, seed: 20_261_125 },
  )
})
