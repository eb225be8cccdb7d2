import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { NOT_OURS, ROOT, read, repositoryFiles, sourceFiles } from './files.ts'

const FOLDERS = ['shared', 'server', 'client', 'workers', 'public', 'test', '.ci']
const DOCUMENTS = ['README.md', 'ARCHITECTURE.md', 'SPEC.md', 'CONTRIBUTING.md', 'SECURITY.md', 'LICENSE']
const SETTINGS = [
  'package.json',
  'package-lock.json',
  '.npmrc',
  '.gitignore',
  '.dockerignore',
  '.editorconfig',
  'tsconfig.json',
  'biome.json',
  '.oxlintrc.json',
  'knip.json',
  'vite.config.ts',
  'vitest.config.ts',
  'Dockerfile',
  'compose.yaml',
]

test('[HSE-5] the top level holds the known folders, documents and settings, and nothing else', () => {
  const known = new Set([...FOLDERS, ...DOCUMENTS, ...SETTINGS])
  expect(
    readdirSync(ROOT).filter((name) => !known.has(name) && !NOT_OURS.has(name) && name !== '.DS_Store' && !name.endsWith('.log')),
  ).toEqual([])
  expect([...DOCUMENTS, 'Dockerfile', 'compose.yaml'].filter((name) => !repositoryFiles().includes(name))).toEqual([])
})

test('[HSE-5] git ignores no source file', () => {
  const sources = [...sourceFiles('shared', 'server', 'client', 'workers', 'test')]
  let ignored: string
  try {
    ignored = execFileSync('git', ['check-ignore', '--no-index', '--stdin'], {
      cwd: ROOT,
      input: sources.join('\n'),
      encoding: 'utf8',
      stdio: 'pipe',
    })
  } catch (thrown) {
    const { status } = thrown as { status?: number | null }
    // 1: none is ignored; anything else: no git, or no repository around (an unpacked archive)
    ignored = ''
    expect(status).not.toBe(0)
  }
  expect(ignored.split('\n').filter((path) => path !== '')).toEqual([])
})

test('[HSE-6] the lock file names no host', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { resolved?: string }> }
  expect(Object.keys(packages).length).toBeGreaterThan(100)
  expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
})

test('[HSE-6] the lock file holds the packages of every platform, so that npm ci works on each', () => {
  type Entry = { optionalDependencies?: Record<string, string> }
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Entry> }
  const held = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)))
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
  expect(wanted.length).toBeGreaterThan(20)
  expect(wanted.filter((name) => !held.has(name))).toEqual([])
})

test('[HSE-6] no file names a place on somebody’s machine', () => {
  const home = /(?:^|[\s'"`(=])(?:\/home\/[a-z]|\/Users\/[A-Za-z]|\/root\/|[A-Z]:\\Users\\)/
  const text = repositoryFiles().filter((path) => !/\.(png|ico|woff2|parquet|gz|bin|wasm)$/.test(path) && path !== 'package-lock.json')
  expect(text.filter((path) => home.test(read(path)) || read(path).includes(`${ROOT}/`))).toEqual([])
})

test('[HSE-6] dependencies are pinned to one exact version', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >
  expect(
    Object.entries({ ...dependencies, ...devDependencies }).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)),
  ).toEqual([])
})
