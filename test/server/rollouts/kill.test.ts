import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import type { DeviceId } from '../../../shared/core/ids.ts'
import type { Report } from '../../../shared/stats/report.ts'
import { checkIntegrity } from '../../../server/storage/database.ts'
import { createWorld, MODEL, STABLE } from '../monitoring/world.ts'

type Acknowledged = { device: DeviceId; report: Report }

/** Runs the server until it has acknowledged so many reports, then kills it at once; gives back all that it acknowledged before it died. */
async function runAndKill(folder: string, seed: number, after: number): Promise<Acknowledged[]> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'killed-server.ts'), folder, String(seed)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const acknowledged: Acknowledged[] = []
  let complaint = ''
  child.stderr.on('data', (data: Buffer) => {
    complaint += data.toString()
  })
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{') || !line.endsWith('}')) continue
    acknowledged.push(JSON.parse(line) as Acknowledged)
    if (acknowledged.length === after) child.kill('SIGKILL')
  }
  expect(complaint).toBe('')
  return acknowledged
}

test('[ROL-22] killed at any moment, the server has kept every acknowledged report once, and the release document says what the rollout says', {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-kill-'))
  try {
    const all: Acknowledged[] = []
    for (const [run, after] of [3, 25, 61].entries()) {
      all.push(...(await runAndKill(folder, 10 + run, after)))
      const one = await createWorld({ dataFolder: folder, seed: 50 + run })
      expect(await checkIntegrity(one.server.services.db)).toEqual([])
      const [rollout] = await one.rollouts.list({})
      const document = must(await one.server.services.releases.current(MODEL, STABLE), 'a release').document
      expect(document.rollout?.id ?? null).toBe(rollout?.ended === null ? rollout.id : null)
      const { windows } = await one.monitoring.windows({ model: MODEL })
      const counted = windows.reduce((sum, window) => sum + window.reports, 0)
      expect(windows.reduce((sum, window) => sum + window.predictions, 0)).toBe(2 * counted)
      for (const { device, report } of all)
        expect(await one.monitoring.ingest(device, [report])).toEqual({ accepted: 0, duplicates: 1, refused: [] })
      // what was committed and not yet acknowledged when the end came may be there too: one report a run at most
      expect(counted).toBeGreaterThanOrEqual(all.length)
      expect(counted).toBeLessThanOrEqual(all.length + run + 1)
      await one.rollouts.tick()
      expect(one.failures).toEqual([])
      await one.close()
    }
    const one = await createWorld({ dataFolder: folder, seed: 60 })
    const [rollout] = await one.rollouts.list({})
    expect(rollout?.state).toBe('rolled-back')
    await one.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
