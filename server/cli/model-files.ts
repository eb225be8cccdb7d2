import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import { MAX_BLOB_BYTES } from '../../shared/core/limits.ts'
import { parseModelJson } from '../../shared/formats/tfjs-files.ts'

export type LocalFile = { readonly name: string; readonly digest: Sha256; readonly bytes: Uint8Array<ArrayBuffer> }

async function open(path: string): Promise<LocalFile> {
  const cannot = (cause: unknown): never => {
    throw new AppError('not_found', `${path} cannot be read`, { cause })
  }
  const info = await stat(path).catch(cannot)
  if (info.isDirectory()) return open(join(path, 'model.json'))
  if (info.size > MAX_BLOB_BYTES)
    throw new AppError('body_too_large', `${path} has ${info.size} bytes, at most ${MAX_BLOB_BYTES} (256 MiB) are taken`)
  const bytes = new Uint8Array(await readFile(path).catch(cannot))
  return { name: basename(path), bytes, digest: createHash('sha256').update(bytes).digest('hex') as Sha256 }
}

/**
 * The files that a person named. Beside a model.json the weight files that it names are taken too, where they were not named; a folder stands for the model.json in
 * it. Throws not_found, body_too_large, invalid_document.
 */
export async function modelFiles(paths: readonly string[]): Promise<LocalFile[]> {
  const files = await Promise.all(paths.map(open))
  const [only] = files
  const [path] = paths
  if (files.length !== 1 || only === undefined || path === undefined || !only.name.endsWith('.json')) return files
  const folder = (await stat(path)).isDirectory() ? path : dirname(path)
  const { weightsManifest } = parseModelJson(only)
  const names = weightsManifest.flatMap((group) => group.paths)
  // a name leads beside the description, wherever it says
  return [only, ...(await Promise.all([...new Set(names)].map((name) => open(join(folder, basename(name))))))]
}
