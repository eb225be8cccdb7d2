import type { Sha256 } from '../../shared/core/digest.ts'
import type { DatasetStatistics } from '../../shared/data/dataset-statistics.ts'
import { tableStatistics } from '../analysis/table-statistics.ts'
import { parquetColumns, parquetRows } from '../analysis/table-statistics-store.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { openDuck } from './duckdb.ts'
import { inFolder } from './span-files.ts'

/** Statistics of the rows of one span. */
export type SpanStatistics = (span: { readonly digest: Sha256; readonly rows: number }, label?: string) => Promise<DatasetStatistics>

export const spanStatistics =
  ({ blobs, folder }: { readonly blobs: BlobStore; readonly folder: string }): SpanStatistics =>
  ({ digest, rows }, label) =>
    inFolder(folder, async (work) => {
      const path = blobs.path(digest)
      const duck = await openDuck({ folder: work, files: [path], threads: 1 })
      try {
        return await tableStatistics(duck, parquetRows(path, rows), await parquetColumns(duck, path), label === undefined ? {} : { label })
      } finally {
        duck.close()
      }
    })
