import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

export const ROOT = join(import.meta.dirname, '..', '..')

/** What a clean clone does not hold. */
export const NOT_OURS: ReadonlySet<string> = new Set(['.git', '.shoal', 'coverage', 'data', 'dist', 'node_modules'])

/** Every file of the repository, as paths from its root with `/`, sorted. */
export function repositoryFiles(): string[] {
  return readdirSync(ROOT)
    .filter((name) => !NOT_OURS.has(name))
    .flatMap((name) => filesIn(join(ROOT, name)))
    .map((path) => relative(ROOT, path).split(sep).join('/'))
    .sort()
}

export const sourceFiles = (...folders: string[]): string[] =>
  repositoryFiles().filter((path) => /\.tsx?$/.test(path) && folders.some((folder) => path.startsWith(`${folder}/`)))

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

function filesIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? filesIn(join(path, entry.name)) : [join(path, entry.name)],
    )
  } catch {
    return [path] // a file
  }
}
