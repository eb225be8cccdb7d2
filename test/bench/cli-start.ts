// How long `npx shoal` takes before it does anything, beside a Node that does nothing.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { systemClock } from '../../shared/core/clock.ts'
import { type Bench, compare, timingRows } from '../measure.ts'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'server', 'cli', 'shoal.js')

export const bench: Bench = async ({ words, table }) => {
  const node = (...args: string[]) => execFileSync(process.execPath, args, { stdio: 'ignore' })
  const timings = await compare({
    clock: systemClock,
    rounds: Number(words[0] ?? 15),
    sides: { shoal: () => node(LAUNCHER, '--version'), node: () => node('--eval', '0') },
  })
  table(timingRows(timings))
  return {
    shoalMs: Math.round(timings.shoal.median),
    nodeMs: Math.round(timings.node.median),
    ratio: Number((timings.shoal.median / timings.node.median).toFixed(2)),
  }
}
