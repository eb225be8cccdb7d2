import type { FileFormat } from '../analysis/open-table.ts'
import { UsageError } from './command.ts'

/** @throws UsageError for a kind of file that is not known. */
export async function fileFormat(path: string): Promise<FileFormat> {
  // DuckDB is heavy: loaded for the commands that read files
  const { ANALYSED_FILES, formatOf } = await import('../analysis/analyse-file.ts')
  const format = formatOf(path)
  if (format === undefined) throw new UsageError(`${path} is none of ${ANALYSED_FILES.join(', ')}`)
  return format
}
