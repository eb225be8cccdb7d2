import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { literal, openDuck } from '../../../server/datasets/duckdb.ts'
import { importSource } from '../../../server/datasets/sources/import-source.ts'
import { readSources, type Source } from '../../../server/datasets/sources/source-settings.ts'
import { openPostgresSource } from '../../../server/storage/source-postgres.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import { inFolder } from '../../../server/datasets/span-files.ts'
import { createBench, type PipelineBench } from '../pipeline/pipeline-harness.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'

let bench: PipelineBench
let postgres: PostgresServer | string
const params = { dataset: 'imported' as Slug }
/** Runs without end in SQLite and PostgreSQL alike. */
const ENDLESS = 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) AS n FROM t'

beforeAll(async () => {
  postgres = await startPostgres()
  bench = await createBench({
    sources: (folder) => {
      mkdirSync(join(folder, 'files', 'sub'), { recursive: true })
      return {
        shop: { kind: 'sqlite', path: join(folder, 'shop.db') },
        files: { kind: 'folder', path: join(folder, 'files') },
        broken: { kind: 'sqlite', path: join(folder, 'broken.db') },
        ...(typeof postgres === 'string' ? {} : { warehouse: { kind: 'postgres', url: postgres.url } }),
        gone: { kind: 'postgres', url: 'postgres://someone:secret@127.0.0.1:1/none' },
      }
    },
  })
  await bench.api('datasets.create', { body: { name: params.dataset } })
  const db = new DatabaseSync(join(bench.folder, 'shop.db'))
  db.exec(
    `CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount REAL, placed DATETIME, note TEXT, photo BLOB, odd);
    CREATE TABLE customers (id INTEGER, city TEXT);
    INSERT INTO orders SELECT value, value % 3, value / 4.0, '2024-01-02 03:04:05', CASE WHEN value % 2 THEN 'ä,"\n' END, x'0001ff', CASE WHEN value = 3 THEN 'three' ELSE value END FROM generate_series(1, 5)`.replace(
      'generate_series(1, 5)',
      '(WITH RECURSIVE s(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < 5) SELECT value FROM s)',
    ),
  )
  db.exec("INSERT INTO customers VALUES (0, 'Bern'), (1, 'Basel'), (2, NULL)")
  db.close()
  writeFileSync(join(bench.folder, 'broken.db'), 'SQLite format 3\0 but then nothing of the kind')
  writeFileSync(join(bench.folder, 'files', 'rows.jsonl'), '{"a":1,"b":"x"}\n{"a":2}\n')
  writeFileSync(join(bench.folder, 'files', 'sub', 'ragged.csv'), 'a,b\n1\n')
  writeFileSync(join(bench.folder, 'files', 'broken.parquet'), 'PAR1 but then nothing of the kind')
  writeFileSync(join(bench.folder, 'secret.csv'), 'a\nsecret\n')
  symlinkSync(join(bench.folder, 'secret.csv'), join(bench.folder, 'files', 'link.csv'))
})
afterAll(async () => {
  await bench.close()
  if (typeof postgres !== 'string') await postgres.close()
})

const importing = (source: string, more: object) => bench.api('spans.import', { params, body: { source: source as Slug, ...more } })
const rowsOf = (digest: string) =>
  inFolder(join(bench.folder, 'work'), async (folder) => {
    const path = bench.blobs.path(digest as never)
    const duck = await openDuck({ folder, files: [path] })
    try {
      const file = `read_parquet(${literal(path)})`
      const types = await duck.rows(`DESCRIBE SELECT * FROM ${file}`)
      return { rows: await duck.rows(`SELECT * FROM ${file}`), types: types.map((row) => row['column_type']) }
    } finally {
      duck.close()
    }
  })

test('[MET-3] sources have names only: neither the list nor a failure says what a connection holds', async () => {
  const { items } = await bench.api('sources.list')
  expect(items).toContainEqual({ name: 'gone', kind: 'postgres' })
  expect(JSON.stringify(items)).not.toContain('secret')
  const failure = await importing('gone', { table: 'x' }).catch((thrown: unknown) => thrown)
  expect(failure).toMatchObject({ code: 'unavailable' })
  expect(JSON.stringify(failure)).not.toContain('secret')
})

test('[DAT-32] a query without an end is ended, in a database of files and in one that is served', async () => {
  const reading = (source: Source, timeoutMs: number) =>
    inFolder(join(bench.folder, 'work'), (folder) =>
      importSource(
        { name: 'shop', source, selection: { query: ENDLESS }, to: join(folder, 'rows.parquet'), folder, timeoutMs },
        systemClock,
      ),
    )
  await expect(reading({ kind: 'sqlite', path: join(bench.folder, 'shop.db') }, 1500)).rejects.toMatchObject({ code: 'timeout' })
  if (typeof postgres !== 'string') {
    const ends = openPostgresSource(postgres.url, 'warehouse', { query: ENDLESS, timeoutMs: 300 })
    await expect(ends).rejects.toMatchObject({ code: 'timeout', detail: expect.stringContaining('warehouse') as string })
  }
})

test('[DAT-31] a settings file with a source that is none is refused by name', async () => {
  const path = join(bench.folder, 'sources.json')
  writeFileSync(path, JSON.stringify({ shop: { kind: 'sqlite', path: 'shop.db' } }))
  expect(await readSources(path)).toEqual({ shop: { kind: 'sqlite', path: 'shop.db' } })
  writeFileSync(path, JSON.stringify({ shop: { kind: 'oracle' } }))
  await expect(readSources(path)).rejects.toMatchObject({ code: 'invalid_input', detail: expect.stringContaining('/shop') as string })
  await expect(readSources(join(bench.folder, 'none.json'))).rejects.toMatchObject({ code: 'invalid_input' })
})

describe('[DAT-31] SQLite', () => {
  test('[DAT-31] a table with every kind of value becomes a span; the same rows again none', async () => {
    const { span, added } = await importing('shop', { table: 'orders' })
    expect([added, span.rows, span.source]).toEqual([true, 5, 'sqlite shop: orders'])
    const { rows, types } = await rowsOf(span.digest)
    expect(types).toEqual(['BIGINT', 'BIGINT', 'DOUBLE', 'TIMESTAMP', 'VARCHAR', 'BLOB', 'VARCHAR'])
    expect(rows[0]).toMatchObject({ id: 1n, amount: 0.25, placed: new Date('2024-01-02T03:04:05Z'), note: 'ä,"\n', odd: '1' })
    expect([rows[1]?.['note'], rows[2]?.['odd']]).toEqual([null, 'three'])
    expect(await importing('shop', { table: 'orders' })).toEqual({ span, added: false })
  })

  test('[DAT-31] a query joins tables; its text is on record', async () => {
    const { span } = await importing('shop', {
      query: 'SELECT o.id, c.city FROM orders o\n JOIN customers c ON c.id = o.customer -- by key',
    })
    expect(span.source).toBe('sqlite shop: SELECT o.id, c.city FROM orders o JOIN customers c ON c.id = o.customer -- by key')
    expect((await rowsOf(span.digest)).rows).toHaveLength(5)
  })

  test.each<[string, object, string, RegExp]>([
    ['no such table', { table: 'order' }, 'invalid_input', /shop has no table order; it has customers, orders/],
    ['no table named where there are two', {}, 'invalid_input', /shop has 2 tables: name one of customers, orders/],
    ['a table and a query', { table: 'orders', query: 'SELECT 1' }, 'invalid_input', /not both/],
    ['no SELECT', { query: 'DELETE FROM orders' }, 'invalid_input', /shop: /],
    ['two statements', { query: 'SELECT 1) ; DROP TABLE orders; --' }, 'invalid_input', /shop: the query must be a single SELECT/],
    ['another file', { query: "SELECT 1; ATTACH '/tmp/other.db' AS other" }, 'invalid_input', /shop: /],
    ['no rows', { query: 'SELECT * FROM orders WHERE id > 99' }, 'invalid_input', /no rows/],
  ])('[DAT-32] %s is refused, and adds nothing', async (_, wish, code, detail) => {
    const before = (await bench.api('datasets.get', { params })).spans.length
    await expect(importing('shop', wish)).rejects.toMatchObject({ code, detail: expect.stringMatching(detail) as string })
    expect((await bench.api('datasets.get', { params })).spans).toHaveLength(before)
    const db = new DatabaseSync(join(bench.folder, 'shop.db'), { readOnly: true })
    expect(db.prepare('SELECT count(*) AS n FROM orders').get()).toEqual({ n: 5 })
    db.close()
  })

  test('[DAT-32] a broken file is refused by name', async () => {
    await expect(importing('broken', {})).rejects.toMatchObject({
      code: 'invalid_input',
      detail: expect.stringMatching(/^broken: /) as string,
    })
  })
})

describe('[DAT-31] files of a folder', () => {
  test('[DAT-31] JSON, by its name in the folder', async () => {
    const { span } = await importing('files', { file: 'rows.jsonl' })
    expect(span).toMatchObject({ rows: 2, source: 'folder files: rows.jsonl' })
  })

  test.each<[string, string, string, RegExp]>([
    ['a ragged file', 'sub/ragged.csv', 'invalid_input', /ragged\.csv has 1 row/],
    ['a broken file', 'broken.parquet', 'invalid_input', /broken\.parquet/],
    ['a file that is not there', 'none.csv', 'not_found', /files has no file none\.csv/],
    ['a way out of the folder', '../secret.csv', 'not_found', /files has no file/],
    ['a link out of the folder', 'link.csv', 'not_found', /files has no file/],
    ['an address from the root', '/etc/passwd', 'not_found', /files has no file/],
  ])('[DAT-32] %s is refused', async (_, file, code, detail) => {
    await expect(importing('files', { file })).rejects.toMatchObject({ code, detail: expect.stringMatching(detail) as string })
  })

  test('[DAT-32] an unknown source is refused with those there are', async () => {
    await expect(importing('nowhere', {})).rejects.toMatchObject({
      code: 'not_found',
      detail: expect.stringContaining('shop, files') as string,
    })
    await expect(importing('files', {})).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

describe('[DAT-31] PostgreSQL', () => {
  const server = (context: { skip(reason: string): void }): PostgresServer => {
    if (typeof postgres === 'string') context.skip(postgres)
    return postgres as PostgresServer
  }

  test('[DAT-31] a table streams into a span with its types', async (context) => {
    await server(
      context,
    ).run(`CREATE TABLE visits (id bigint, price numeric(9,2), share real, ok boolean, at timestamptz, day date, raw bytea, tags text[], more jsonb, note text);
      INSERT INTO visits SELECT i, i / 8.0, i / 4.0, i % 2 = 0, '2024-05-06 07:08:09+02', '2024-05-06', '\\x00ff', ARRAY['a','b'], '{"k": 1}', CASE WHEN i % 2 = 0 THEN 'ü,"' END FROM generate_series(1, 10000) i`)
    const { span } = await importing('warehouse', { table: 'visits' })
    expect(span).toMatchObject({ rows: 10_000, source: 'postgres warehouse: visits' })
    const { rows, types } = await rowsOf(span.digest)
    expect(types).toEqual([
      'BIGINT',
      'DOUBLE',
      'DOUBLE',
      'BOOLEAN',
      'TIMESTAMP WITH TIME ZONE',
      'DATE',
      'BLOB',
      'VARCHAR',
      'VARCHAR',
      'VARCHAR',
    ])
    expect(rows[1]).toMatchObject({ id: 2n, price: 0.25, share: 0.5, ok: true, tags: '{a,b}', note: 'ü,"' })
    expect(must(rows[1], 'row')['at']).toEqual(new Date('2024-05-06T05:08:09Z'))
    expect(new Set(rows.map((row) => row['id'])).size).toBe(10_000)
    expect(await importing('warehouse', { query: 'SELECT * FROM visits' })).toMatchObject({ added: true, span: { digest: span.digest } })
  })

  test.each<[string, object, string]>([
    ['no SELECT', { query: 'DELETE FROM kept' }, 'invalid_input'],
    ['two statements', { query: 'SELECT 1) q; COMMIT; DROP TABLE kept; --' }, 'invalid_input'],
    ['a write within a SELECT', { query: 'WITH gone AS (DELETE FROM kept RETURNING *) SELECT * FROM gone' }, 'invalid_input'],
    ['no such table', { table: 'none' }, 'invalid_input'],
    ['a column twice', { query: 'SELECT a.x, b.x FROM kept a, kept b' }, 'invalid_input'],
  ])('[DAT-32] %s is refused, and changes nothing', async (_, wish, code) => {
    await (postgres as PostgresServer).run('CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS x')
    await expect(importing('warehouse', wish)).rejects.toMatchObject({ code })
    const { span } = await importing('warehouse', { table: 'kept' })
    expect(span.rows).toBe(1)
  })
})
