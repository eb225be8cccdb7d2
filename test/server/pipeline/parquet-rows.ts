import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { literal, openDuck } from '../../../server/datasets/duckdb.ts'
import type { Client } from '../../../shared/contract/client.ts'
import type { ArtifactId } from '../../../shared/core/ids.ts'

/** The rows of an artifact that is a Parquet file, as somebody gets them who downloads it. */
export async function parquetRows<Row extends object>(api: Client, artifact: ArtifactId): Promise<Row[]> {
  const response = await api('artifacts.content', { params: { artifact } })
  const folder = await mkdtemp(join(tmpdir(), 'shoal-rows-'))
  const path = join(folder, 'rows.parquet')
  await writeFile(path, new Uint8Array(await response.arrayBuffer()))
  const duck = await openDuck({ folder, files: [path] })
  try {
    return (await duck.rows(`SELECT * FROM read_parquet(${literal(path)})`)) as unknown as Row[]
  } finally {
    duck.close()
    await rm(folder, { recursive: true })
  }
}
