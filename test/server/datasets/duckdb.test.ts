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
  const running = asked.rows(ENDLESS)
  const reading = readBatches(streamed, ENDLESS).next()
  await expect(duck.rows('SELECT nonsense')).rejects.toMatchObject({ code: 'invalid_input' })
  duck.close()
  duck.close()
  await expect(running).rejects.toMatchObject({ code: 'invalid_input', detail: expect.stringContaining('Interrupt') })
  await expect(reading).rejects.toThrow('Interrupt')
  await expect(duck.rows('SELECT 1')).rejects.toMatchObject({ code: 'conflict' })
})
