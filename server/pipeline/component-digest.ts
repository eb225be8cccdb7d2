import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { canonicalJson } from '../../shared/core/canonical-json.ts'
import { type Sha256, sha256 } from '../../shared/core/digest.ts'
import type { AnyComponent } from './component.ts'

const IMPORT = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g

/** The module's files: itself and, through its relative imports, everything of ours that it stands on. Packages are pinned by the lock file. */
async function sourcesOf(entry: string): Promise<Map<string, string>> {
  const sources = new Map<string, string>()
  const waiting = [entry]
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    if (sources.has(url)) continue
    const text = await readFile(fileURLToPath(url), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    sources.set(url, text)
    // type imports change nothing at run time
    const code = text.replace(/^import type .*$/gm, '')
    for (const [, path] of code.matchAll(IMPORT)) if (path !== undefined) waiting.push(new URL(path, url).href)
  }
  return sources
}

const known = new Map<string, Promise<Sha256>>()

/**
 * Names what a component does: its name, version, and the source of its module and of all modules that this imports. The source of the place
 * where the modules lie does not enter, so the same checkout has the same digests everywhere. Read once per process: a changed file counts after a restart.
 */
export function componentDigest({ name, version, module }: Pick<AnyComponent, 'name' | 'version' | 'module'>): Promise<Sha256> {
  const key = `${name}@${version} ${module}`
  const made =
    known.get(key) ??
    (async () => {
      const sources = [...(await sourcesOf(module)).values()]
      const digests = await Promise.all(sources.map((text) => sha256(text)))
      return sha256(canonicalJson({ name, version, sources: digests.sort() }))
    })()
  known.set(key, made)
  return made
}
