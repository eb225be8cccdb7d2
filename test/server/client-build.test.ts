import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ensureClientBuilt, sourceDigest } from '../../server/client-build.ts'

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))

let root: string

/** A package as small as can be: one page, built by the real vite. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'shoal-build-'))
  await mkdir(join(root, 'client'))
  await writeFile(join(root, 'package.json'), '{"type":"module"}')
  await writeFile(join(root, 'vite.config.ts'), "export default { root: 'client' }")
  await writeFile(join(root, 'client', 'index.html'), '<!doctype html><title>one</title><script type="module" src="./main.ts"></script>')
  await writeFile(join(root, 'client', 'main.ts'), 'document.title = "first" as string')
  await symlink(MODULES, join(root, 'node_modules'))
})

afterAll(() => rm(root, { recursive: true, force: true }))

const builtText = async (): Promise<string> => {
  const assets = join(root, 'dist', 'assets')
  const names = await readdir(assets)
  return (await Promise.all(names.map((name) => readFile(join(assets, name), 'utf8')))).join('')
}

it('[APP-13] builds once, then only when a source has changed, and keeps the old pages when a build fails', async () => {
  const phases: string[] = []
  const build = () => ensureClientBuilt({ root, onProgress: ({ phase }) => phases.push(phase) })
  expect((await build()).built).toBe(true)
  expect(phases).toEqual(['checking', 'building', 'ready'])
  expect((await build()).built).toBe(false)

  await writeFile(join(root, 'client', 'main.ts'), 'document.title = "second" as string')
  const [one, other] = await Promise.all([build(), build()])
  expect(one.built || other.built).toBe(true)
  expect(await builtText()).toContain('second')

  await writeFile(join(root, 'client', 'main.ts'), 'this is not a program')
  await expect(build()).rejects.toMatchObject({ code: 'unavailable', detail: expect.stringMatching(/main\.ts/) })
  expect(await builtText()).toContain('second')
  expect((await readdir(root)).filter((name) => name.startsWith('dist'))).toEqual(['dist'])
})

it('[APP-13] takes a file’s name and content into the digest, and nothing else', async () => {
  const before = await sourceDigest(root)
  await writeFile(join(root, 'unrelated.txt'), 'x')
  expect(await sourceDigest(root)).toBe(before)
  await mkdir(join(root, 'public'))
  await writeFile(join(root, 'public', 'a.txt'), '')
  const added = await sourceDigest(root)
  expect(added).not.toBe(before)
  await rm(join(root, 'public', 'a.txt'))
  await writeFile(join(root, 'public', 'b.txt'), '')
  expect(await sourceDigest(root)).not.toBe(added)
})

it('[APP-13] without vite uses the pages that are there, and says what to do when there are none', async () => {
  const bare = await mkdtemp(join(tmpdir(), 'shoal-bare-'))
  await writeFile(join(bare, 'package.json'), '{"type":"module"}')
  await expect(ensureClientBuilt({ root: bare })).rejects.toMatchObject({
    code: 'unavailable',
    detail: expect.stringMatching(/npm install/),
  })
  await mkdir(join(bare, 'dist'))
  await writeFile(join(bare, 'dist', '.digest'), 'of another machine')
  expect((await ensureClientBuilt({ root: bare })).built).toBe(false)
  await rm(bare, { recursive: true, force: true })
})
