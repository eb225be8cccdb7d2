import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AnalyseOptions, type Analysis, analyseFile, formatOf } from '../../../server/analysis/analyse-file.ts'
import { must } from '../../../shared/core/assert.ts'

/** A folder of files to analyse. */
export function createFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-analysis-'))
  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }
  return {
    folder,
    write,
    analyse: (name: string, content: string | Uint8Array, options?: AnalyseOptions): Promise<Analysis> =>
      analyseFile(write(name, content), must(formatOf(name), 'format'), options),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
