import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openDuck } from '../../../server/datasets/duckdb.ts'
import { readBatches } from '../../../server/pipeline/data/parquet-batches.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-duck-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ENDLESS = 'SELECT sum(sqrt(a.range * b.range)) AS n FROM range(1000000) a, range(1000000) b'

test('[DAT-61] closed while a query runs beside one that failed: the query ends, and so does the thread’s wait', async () => {
  const duck = await openDuck({ folder })
  const [asked, streamed] = [await duck.lane(), await duck.lane()]
  const failure = (thrown: unknown): unknown => thrown
  // caught at once: they may end before the other's end is looked at
  const running = asked.rows(ENDLESS).catch(failure)
  const reading = readBatches(streamed, ENDLESS).next().catch(failure)
  await expect(duck.rows('SELECT nonsense')).rejects.toMatchObject({ code: 'invalid_input' })
  duck.close()
  duck.close()
  expect(await running).toMatchObject({ code: 'invalid_input', detail: expect.stringContaining('Interrupt') })
  expect(String(await reading)).toContain('Interrupt')
  await expect(duck.rows('SELECT 1')).rejects.toMatchObject({ code: 'conflict' })
})
