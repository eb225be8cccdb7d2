import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { literal, openDuck } from '../../../server/datasets/duckdb.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

let world: CliWorld
let folder: string
beforeAll(async () => {
  world = await createCliWorld()
  folder = await mkdtemp(join(tmpdir(), 'shoal-example-'))
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

test('[CLI-55] writes the flights of the days asked for, and asks no server', async () => {
  const out = join(folder, 'flights.parquet')
  const printed = await world.run(['example-data', 'flights', '--out', out, '--from', '2001-02-01', '--until', '2001-02-03'])
  expect(printed).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/wrote \d+ rows .*datasets upload flights/) })
  const duck = await openDuck({ folder, files: [out] })
  const [found] = await duck.rows(
    `SELECT count(*)::INT AS n, min(date)::DATE::VARCHAR AS first, max(date)::DATE::VARCHAR AS last FROM read_parquet(${literal(out)})`,
  )
  duck.close()
  expect(found).toMatchObject({ first: '2001-02-01', last: '2001-02-02' })
  expect(printed.out).toContain(`wrote ${String(found?.['n'])} rows`)
  expect(world.requests).toEqual([])
})

test('[CLI-55] an unknown example and days without flights are told', async () => {
  expect(await world.run(`example-data cars --out ${folder}/x.parquet`)).toMatchObject({
    code: 2,
    err: expect.stringMatching(/flights or digits/),
  })
  expect(await world.run(`example-data flights --out ${folder}/x.parquet --from soon`)).toMatchObject({ code: 2 })
  expect(await world.run(`example-data flights --out ${folder}/x.parquet --from 1999-01-01 --until 1999-02-01`)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/no flights from 1999-01-01/),
  })
})
