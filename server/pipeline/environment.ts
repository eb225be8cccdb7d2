import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Sha256, sha256 } from '../../shared/core/digest.ts'

/** Where and with what a run is done, as tags of its record: what must be the same for the same to come out. */
export type Environment = Readonly<Record<string, string>>

/** Tags that tell of the environment; `executor` names who ran it, which changes no result. */
export const ENVIRONMENT_TAGS = [
  'code.commit',
  'code.changed',
  'runtime.node',
  'runtime.platform',
  'dependencies.digest',
  'executor',
] as const

/** Reads it once: the code of a process does not change. Outside of a git checkout there is no commit. */
export async function readEnvironment(root: string): Promise<Environment> {
  const git = async (...args: string[]): Promise<string | undefined> =>
    promisify(execFile)('git', ['-C', root, ...args], { timeout: 5000 }).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    )
  const lock: Sha256 | undefined = await readFile(join(root, 'package-lock.json'), 'utf8').then(sha256, () => undefined)
  const commit = await git('rev-parse', 'HEAD')
  const changes = commit === undefined ? undefined : await git('status', '--porcelain', '--untracked-files=no')
  return {
    ...(commit === undefined ? {} : { 'code.commit': commit }),
    ...(changes === undefined ? {} : { 'code.changed': String(changes !== '') }),
    'runtime.node': process.versions.node,
    'runtime.platform': `${process.platform} ${process.arch}`,
    ...(lock === undefined ? {} : { 'dependencies.digest': lock }),
    executor: `${hostname()} process ${process.pid}`,
  }
}
