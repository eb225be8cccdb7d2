import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { must } from '../../shared/core/assert.ts'
import type { Figures } from './loop.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

type Line = {
  readonly bench: string
  readonly figures: Figures & { readonly stages: readonly { name: string; ok: boolean; seconds: number }[] }
}

/** The same command as `npm run loop`, with less data and one browser: the models are weaker, the loop is whole. With what it said meanwhile. */
async function runSmallLoop(): Promise<{ line: Line; said: string }> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, '--small', '--json', '--browsers', '1'], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
  }).catch((thrown: { stdout: string; stderr: string }) => thrown)
  const last = must(stdout.trim().split('\n').at(-1), 'a last line')
  if (last === '') throw new Error(`the loop printed nothing:\n${stderr.slice(-4000)}`)
  return { line: JSON.parse(last) as Line, said: stderr }
}

describe('the whole loop, small', () => {
  let line: Line
  let said: string
  beforeAll(async () => {
    ;({ line, said } = await runSmallLoop())
  }, 400_000)

  it('[LOOP-1] trains, releases, predicts, drifts, retrains, promotes, breaks and rolls back, without a hand', () => {
    expect(line.bench).toBe('loop')
    expect(
      line.figures.stages.filter(({ ok }) => !ok),
      said.slice(-4000),
    ).toEqual([])
    expect(line.figures.stages).toHaveLength(10)
  })

  it('[LOOP-2] answers offline after a reload', () => {
    expect(line.figures.offlinePredict).toBe(true)
  })

  it('[LOOP-3] alarms nobody before the world drifts, and soon after', () => {
    expect(line.figures.falseAlarmsBeforeDrift).toBe(0)
    expect(line.figures.driftDetectedAfterDevices).toBeLessThanOrEqual(60)
  })

  it('[LOOP-4] retrains by itself to a version that is good in the new world and keeps the old one', () => {
    const { accuracyInitial, accuracyDriftedBefore, accuracyDriftedAfter, accuracyOriginalAfter, alarmsAfterPromotion } = line.figures
    expect(accuracyDriftedBefore).toBeLessThan(0.5)
    expect(accuracyDriftedAfter).toBeGreaterThan(0.85)
    expect(accuracyOriginalAfter).toBeGreaterThan(accuracyInitial - 0.02)
    expect(alarmsAfterPromotion).toBe(0)
  })

  it('[LOOP-5] sends a broken candidate back by evidence from some devices, and no device runs a version that fails its self-test', () => {
    const { rollbackAfterDevices, rollbackLogEvidence, refusedByDevices, devices } = line.figures
    expect(rollbackAfterDevices).toBeLessThan(devices / 2)
    expect(rollbackLogEvidence).toBeGreaterThanOrEqual(Math.log(100))
    expect(refusedByDevices).toBe(devices)
  })
})
