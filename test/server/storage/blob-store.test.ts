import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { type BlobFs, nodeBlobFs } from '../../../server/storage/blob-fs.ts'
import { createFsBlobs } from '../../../server/storage/blob-store.ts'
import { crashingFs, LOSSES, PowerCut } from './crashing-fs.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-blobs-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex') as Sha256
const bytesOf = (text: string) => new TextEncoder().encode(text)
const open = (fs?: BlobFs) => createFsBlobs({ folder, random: seededRandom(1), reserveBytes: 0, ...(fs ? { fs } : {}) })
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (thrown: { code?: string }) => String(thrown.code),
  )
const filesIn = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => entry.name)
const streamOf = (chunks: readonly Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })

test('[REG-4] what was stored is read back, whole and in ranges, however it was cut', async () => {
  const blobs = await open()
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), fc.nat(), fc.nat(), async (chunks, a, b) => {
      const whole = new Uint8Array(Buffer.concat(chunks))
      const { digest, bytes } = await blobs.put(streamOf(chunks))
      expect([digest, bytes]).toEqual([digestOf(whole), whole.length])
      expect(await blobs.read(digest)).toEqual(whole)
      if (whole.length === 0) return
      const [start, end] = [a % whole.length, b % whole.length].sort((x, y) => x - y) as [number, number]
      const part = await new Response(blobs.stream(digest, { start, end })).bytes()
      expect(part).toEqual(whole.slice(start, end + 1))
    }),
    { numRuns: 40 },
  )
})

test('[REG-4] storing the same again changes nothing and says so', async () => {
  const blobs = await open()
  const first = await blobs.put(bytesOf('same'))
  expect(first.existed).toBe(false)
  expect(await blobs.put(bytesOf('same'))).toEqual({ ...first, existed: true })
  expect(await blobs.put(bytesOf('same'), { expect: first.digest })).toEqual({ ...first, existed: true })
  const together = await Promise.all(Array.from({ length: 8 }, () => blobs.put(bytesOf('race'))))
  expect(new Set(together.map((result) => result.digest)).size).toBe(1)
  expect(await filesIn()).toHaveLength(2)
})

test('[REG-5] bytes that are not the ones the digest names leave nothing behind', async () => {
  const blobs = await open()
  expect(await codeOf(blobs.put(bytesOf('other'), { expect: digestOf(bytesOf('wanted')) }))).toBe('digest_mismatch')
  expect(await filesIn()).toEqual([])
  const { digest } = await blobs.put(bytesOf('wanted'))
  // also where the right bytes lie already
  expect(await codeOf(blobs.put(bytesOf('other'), { expect: digest }))).toBe('digest_mismatch')
  expect(await blobs.read(digest)).toEqual(bytesOf('wanted'))
})

test('[REG-5] a body beyond the limit is cut while it comes and leaves nothing behind', async () => {
  const blobs = await open()
  let pulled = 0
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulled++
      controller.enqueue(new Uint8Array(1024))
    },
  })
  expect(await codeOf(blobs.put(endless, { maxBytes: 10_000 }))).toBe('body_too_large')
  expect(pulled).toBeLessThan(20)
  expect(await filesIn()).toEqual([])
})

test('[REG-5] an upload that breaks off leaves nothing behind', async () => {
  const blobs = await open()
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      controller.enqueue(bytesOf('half'))
      controller.error(new Error('connection reset'))
    },
  })
  await expect(blobs.put(broken)).rejects.toThrow('connection reset')
  expect(await filesIn()).toEqual([])
})

test('[REG-5] a blob that is not there, and one that the disk has changed, are told apart', async () => {
  const blobs = await open()
  const { digest } = await blobs.put(bytesOf('precious'))
  expect(await codeOf(blobs.read(digestOf(bytesOf('never stored'))))).toBe('unknown_blob')
  await writeFile(blobs.path(digest), 'precioux')
  expect(await codeOf(blobs.read(digest))).toBe('damaged_data')
})

test('[REG-6] below the reserve no upload is taken, and reading goes on', async () => {
  let free = 2 ** 30
  const blobs = await createFsBlobs({
    folder,
    random: seededRandom(1),
    reserveBytes: 2 ** 20,
    fs: { ...nodeBlobFs, free: async () => free },
  })
  const { digest } = await blobs.put(bytesOf('before'))
  free = 1000
  expect(await codeOf(blobs.put(bytesOf('after')))).toBe('storage_full')
  expect(await codeOf(blobs.check())).toBe('storage_full')
  expect(await blobs.read(digest)).toEqual(bytesOf('before'))
  free = 2 ** 30
  expect(await codeOf(blobs.put(bytesOf('after')))).toBe('done')
})

/** Fails call number `at`, once or from then on. */
function failingFs(at: number, code: string, persistent: boolean): { fs: BlobFs; calls: () => number; heal: () => void } {
  let calls = 0
  let healed = false
  const guard =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const n = calls++
      if (!healed && (n === at || (persistent && n > at))) throw Object.assign(new Error(code), { code })
      return call(...args)
    }
  const fs: BlobFs = {
    ...nodeBlobFs,
    makeFolder: guard(nodeBlobFs.makeFolder),
    rename: guard(nodeBlobFs.rename),
    size: guard(nodeBlobFs.size),
    syncFolder: guard(nodeBlobFs.syncFolder),
    free: guard(nodeBlobFs.free),
    create: guard(async (path: string) => {
      const file = await nodeBlobFs.create(path)
      return { write: guard(file.write), sync: guard(file.sync), close: async () => file.close() }
    }),
  }
  return {
    fs,
    calls: () => calls,
    heal: () => {
      healed = true
    },
  }
}

test.each([
  ['ENOSPC', 'storage_full'],
  ['EIO', 'unavailable'],
  ['EMFILE', 'unavailable'],
])('[REG-6] %s at any call is %s, leaves nothing torn, and ends with its cause', async (errno, code) => {
  const data = bytesOf('some bytes')
  for (const persistent of [false, true]) {
    for (let at = 0; ; at++) {
      const { fs, heal } = failingFs(at + 1, errno, persistent)
      const blobs = await open(fs)
      const outcome = await codeOf(blobs.put(data, { expect: digestOf(data) }))
      if (outcome === 'done') {
        // the failures have come to the end of the calls
        expect(at).toBeGreaterThan(4)
        break
      }
      expect(outcome).toBe(code)
      for (const name of await filesIn()) expect(name).toBe(digestOf(data).slice(2))
      heal()
      expect(await codeOf(blobs.put(data, { expect: digestOf(data) }))).toBe('done')
      expect(await blobs.read(digestOf(data))).toEqual(data)
      await rm(folder, { recursive: true, force: true })
    }
    await rm(folder, { recursive: true, force: true })
  }
})

test('[REG-4] at any power cut: what was acknowledged is there, and what is there is whole', async () => {
  const inputs = ['first', 'second', 'first', 'third'].map(bytesOf)
  const rehearsal = crashingFs()
  const play = async (fs: BlobFs, acknowledged: Set<Sha256>): Promise<void> => {
    const blobs = await createFsBlobs({ folder, random: seededRandom(1), reserveBytes: 0, fs })
    for (const input of inputs) acknowledged.add((await blobs.put(streamOf([input.slice(0, 2), input.slice(2)]))).digest)
  }
  await play(rehearsal.fs, new Set())
  let states = 0
  for (let cut = 0; cut <= rehearsal.calls(); cut++) {
    const acknowledged = new Set<Sha256>()
    const world = crashingFs(cut)
    await play(world.fs, acknowledged).catch((thrown: unknown) => {
      if (!(thrown instanceof PowerCut)) throw thrown
    })
    for (const loss of LOSSES) {
      states++
      const found = world.after(loss)
      const shelves = [...found].filter(([path]) => !path.includes('incoming'))
      for (const [path, bytes] of shelves)
        expect(path.slice(folder.length).replaceAll('/', ''), `${loss} at call ${cut}`).toBe(digestOf(bytes))
      const present = new Set(shelves.map(([, bytes]) => digestOf(bytes)))
      for (const digest of acknowledged) expect(present, `${loss} at call ${cut}`).toContain(digest)
      // the next start takes the same uploads, and clears what was half-written
      const next = crashingFs(undefined, found)
      await play(next.fs, new Set())
      expect([...next.after('everything unsynced').keys()].filter((path) => !path.includes('incoming'))).toHaveLength(3)
    }
  }
  expect(states).toBeGreaterThan(150)
})

test('[REG-4] half-written files of a crash are cleared at the next start', async () => {
  await open()
  await writeFile(join(folder, 'incoming', 'left-over'), 'half')
  const blobs = await open()
  expect(await filesIn()).toEqual([])
  const { digest } = await blobs.put(bytesOf('x'))
  expect(await readFile(blobs.path(digest), 'utf8')).toBe('x')
})
