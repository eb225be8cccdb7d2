// Kills the process of one real run at every boundary of every step, in the middle of each, and at random moments, and compares its digests with a run that was left alone.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { seededRandom } from '../../shared/core/random.ts'
import { flights } from '../../server/pipelines/flights.ts'
import type { Bench } from '../measure.ts'
import { digestsOf, finish, killAt } from '../server/pipeline/kill-points.ts'

const RANDOM = 10

/** Figures: kills, those that met a step in its middle, steps that were begun again though they had ended (must be 0), and 1 where the digests are those of the run that was left alone. */
export const bench: Bench = async ({ say, table }) => {
  const steps = Object.keys(flights.steps)
  const random = seededRandom(1)
  const points = [
    ...steps.flatMap((step) => [
      `${step}:running`,
      `${step}:middle`,
      ...(step === 'register' ? ['register:made'] : []),
      // after the last step there is nothing left to kill
      ...(step === steps.at(-1) ? [] : [`${step}:succeeded`]),
    ]),
  ]
  const folders = await Promise.all(['left-alone', 'killed', 'random'].map((name) => mkdtemp(join(tmpdir(), `shoal-${name}-`))))
  const [alone = '', killed = '', chance = ''] = folders
  try {
    const expected = digestsOf(await finish(alone))
    const rows: Record<string, string | number>[] = []
    let again = 0
    const goThrough = async (folder: string, moments: readonly string[]) => {
      const interrupted = new Map<string, number>()
      const done = new Set<string>()
      for (const point of moments) {
        const left = await killAt(folder, point)
        if (left === undefined) {
          rows.push({ point, killed: 'no: it did not come', 'in the middle of': '-', ended: done.size })
          continue
        }
        const met = [...left].filter(([, { state }]) => state === 'running').map(([step]) => step)
        for (const step of met) interrupted.set(step, (interrupted.get(step) ?? 0) + 1)
        for (const [step, { state }] of left) {
          if (done.has(step) && state !== 'succeeded') again++
          if (state === 'succeeded') done.add(step)
        }
        rows.push({ point, killed: 'yes', 'in the middle of': met.join(' ') || '-', ended: done.size })
        say(`${point}: ${met.join(' ') || 'between steps'}`)
      }
      const outcome = await finish(folder)
      for (const { name, attempts } of outcome.run.steps) again += Math.max(0, attempts - 1 - (interrupted.get(name) ?? 0))
      return (
        isDeepStrictEqual(digestsOf(outcome), expected) && outcome.run.state === 'succeeded' && outcome.latest === 1 && outcome.runs === 1
      )
    }
    const same = [
      await goThrough(killed, points),
      // the first moments are those of the start, before there is a run
      await goThrough(
        chance,
        Array.from({ length: RANDOM }, () => `after:${50 + random.integer(2500)}`),
      ),
    ]
    table(rows)
    return {
      kills: rows.filter((row) => row['killed'] === 'yes').length,
      inTheMiddle: rows.filter((row) => row['killed'] === 'yes' && row['in the middle of'] !== '-').length,
      stepsDoneTwice: again,
      sameDigests: same.every(Boolean) ? 1 : 0,
    }
  } finally {
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
  }
}
