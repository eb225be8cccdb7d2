import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { AppError } from '../shared/core/errors.ts'

/** What the pages are made from. */
const SOURCES = ['client', 'workers', 'shared', 'public', 'vite.config.ts', 'package-lock.json']
/** Beside the pages: the digest of what they were made from. */
const DIGEST_FILE = '.digest'
const BUILD_TIMEOUT_MS = 5 * 60 * 1000
/** The end of what the build said, enough to hold an error. */
const KEPT_OUTPUT_CHARACTERS = 4000

export type ClientBuildOptions = {
  /** The folder of the package. */
  readonly root: string
  /** Where the pages go; `dist` in the root by default. */
  readonly folder?: string
  readonly onProgress?: (progress: { readonly phase: 'checking' | 'building' | 'ready'; readonly detail: string }) => void
}

export type ClientBuild = { readonly folder: string; readonly built: boolean; readonly ms: number }

/**
 * Makes sure that the built pages are those of the sources: builds with vite when the digest of the sources is not the one that the pages were built from.
 * The new pages take the place of the old ones only when they are complete, so a failed or parallel build leaves whole pages. An installation without
 * vite (production) uses the pages it came with. Throws `unavailable` when there are none, or when the build fails.
 */
export async function ensureClientBuilt({
  root,
  folder = join(root, 'dist'),
  onProgress = () => {},
}: ClientBuildOptions): Promise<ClientBuild> {
  const start = performance.now()
  const done = (built: boolean): ClientBuild => {
    const ms = performance.now() - start
    onProgress({ phase: 'ready', detail: built ? `pages built in ${(ms / 1000).toFixed(1)} s` : 'pages are up to date' })
    return { folder, built, ms }
  }
  onProgress({ phase: 'checking', detail: 'comparing the pages with their sources' })
  const digest = await sourceDigest(root)
  const before = await readFile(join(folder, DIGEST_FILE), 'utf8').catch(() => undefined)
  if (before === digest) return done(false)
  const vite = viteProgram(root)
  if (vite === undefined) {
    if (before !== undefined) return done(false)
    throw new AppError(
      'unavailable',
      `there are no built pages in ${folder}, and vite, which builds them, is not installed: run npm install`,
    )
  }
  onProgress({ phase: 'building', detail: 'building the pages' })
  const fresh = await mkdtemp(`${folder}.new-`)
  try {
    await runVite(vite, root, fresh)
    await writeFile(join(fresh, DIGEST_FILE), digest)
    // another process may have built the same meanwhile, and serve it already
    const meanwhile = await readFile(join(folder, DIGEST_FILE), 'utf8').catch(() => undefined)
    if (meanwhile !== digest) await replaceFolder(folder, fresh)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return done(true)
}

/** SHA-256 over the names and contents of all sources. */
export async function sourceDigest(root: string): Promise<string> {
  const hash = createHash('sha256')
  for (const file of await filesUnder(root, SOURCES)) {
    const bytes = await readFile(join(root, file))
    hash.update(`${file}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

async function filesUnder(root: string, names: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const name of names) {
    try {
      const entries = await readdir(join(root, name), { recursive: true, withFileTypes: true })
      for (const entry of entries)
        if (entry.isFile()) files.push(join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/').replace(/^\//, ''))
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException
      if (code === 'ENOTDIR') files.push(name)
      else if (code !== 'ENOENT') throw thrown
    }
  }
  return files.sort()
}

function viteProgram(root: string): string | undefined {
  try {
    return join(dirname(createRequire(join(root, 'package.json')).resolve('vite/package.json')), 'bin', 'vite.js')
  } catch {
    return undefined
  }
}

/** In a process of its own: what a build holds in memory goes away with it. */
function runVite(vite: string, root: string, folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = [vite, 'build', '--outDir', folder, '--emptyOutDir', '--logLevel', 'warn']
    // a test runner's NODE_ENV is not the build's
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: BUILD_TIMEOUT_MS,
      env: { ...process.env, NODE_ENV: 'production' },
    })
    let output = ''
    const keep = (data: Buffer) => {
      output = (output + data.toString()).slice(-KEPT_OUTPUT_CHARACTERS)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (cause) => reject(new AppError('unavailable', `vite could not be started: ${cause.message}`, { cause })))
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(
            new AppError('unavailable', `building the pages failed (${code === null ? 'timeout' : `exit ${code}`}):\n${output.trim()}`),
          ),
    )
  })
}

/** Two renames: for the moment between them there are no pages, but never half of them. */
async function replaceFolder(folder: string, fresh: string): Promise<void> {
  const old = `${fresh}-old`
  const moved = await rename(folder, old).then(
    () => true,
    () => false,
  )
  try {
    await rename(fresh, folder)
  } catch (thrown) {
    // another process was faster: its pages are as good, if they are there
    const { code } = thrown as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') {
      if (moved) await rename(old, folder).catch(() => {})
      throw thrown
    }
  }
  await rm(old, { recursive: true, force: true })
}
