import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { manualClock } from '../../shared/core/clock.ts'
import { compare } from '../measure.ts'
import { ROOT } from './files.ts'

const BENCH = join(ROOT, 'test', 'bench.ts')
const benches = readdirSync(join(ROOT, 'test', 'bench'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))

test('[HSE-12] without a name, every bench is listed with what it measures', () => {
  const lines = execFileSync(process.execPath, [BENCH], { encoding: 'utf8' }).trimEnd().split('\n')
  expect(lines.map((line) => line.split(' ')[0])).toEqual(benches.sort())
  for (const line of lines) expect(line).toMatch(/^\S+ {2,}\S.*\.$/)
})

test('[HSE-12] a bench that does not exist is refused, with those that do', () => {
  const { status, stderr } = spawnSync(process.execPath, [BENCH, 'nothing'], { encoding: 'utf8' })
  expect(status).toBe(2)
  expect(stderr).toMatch(/^not_found: there is no bench nothing; there are .*cli-start/)
})

test('[HSE-12] the last line of a bench is its name and figures', () => {
  const lines = execFileSync(process.execPath, [BENCH, 'cli-start', '2'], { encoding: 'utf8' }).trimEnd().split('\n')
  const last = JSON.parse(lines.at(-1) ?? '') as { bench: string; figures: { ratio: number } }
  expect(last.bench).toBe('cli-start')
  expect(last.figures.ratio).toBeGreaterThan(0)
  // a whole bench: on a busy machine it takes a minute
}, 120_000)

test('[HSE-12] sides are timed in turns, after a warm-up, and each round begins with another', async () => {
  const clock = manualClock()
  const order: string[] = []
  const side = (name: string, ms: number) => async () => {
    order.push(name)
    await clock.advance(ms)
  }
  const timings = await compare({ clock, rounds: 3, warmup: 1, sides: { a: side('a', 10), b: side('b', 30) } })
  expect(order.join('')).toBe('abbaabba')
  expect(timings).toMatchObject({ a: { median: 10, low: 10, high: 10, samples: [10, 10, 10] }, b: { median: 30 } })
})
