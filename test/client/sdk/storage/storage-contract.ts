import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Checkpoint, DeviceStorage, VersionRecord } from '../../../../client/sdk/storage/device-storage.ts'
import { newModelState } from '../../../../client/sdk/storage/model-state.ts'
import { must } from '../../../../shared/core/assert.ts'
import type { Sha256 } from '../../../../shared/core/digest.ts'
import { slug } from '../../../../shared/core/fields.ts'
import type { Report } from '../../../../shared/stats/report.ts'

const KEY = 'digits@stable'
const digestOf = (letter: string) => letter.repeat(64) as Sha256
const [A, B, C, M1, M2] = ['a', 'b', 'c', 'd', 'e'].map(digestOf) as [Sha256, Sha256, Sha256, Sha256, Sha256]

const version = (manifest: Sha256, pieces: Sha256[], number = 1): VersionRecord => ({
  manifest,
  key: KEY,
  version: number,
  envelope: { payloadType: 't', payload: 'p', signatures: [{ keyid: 'k', sig: 's' }] },
  pieces,
  bytes: 3,
  committed: 1,
})
const report = (sequence: number): Report => ({
  epoch: 'f'.repeat(32),
  window: 0,
  sequence,
  model: slug.parse('digits'),
  version: 1,
  manifest: M1,
  predictions: 0,
  counters: {},
  calibration: null,
  latency: null,
  outcomes: null,
  firstWindow: null,
  errors: {},
  selfRollbacks: [],
  backend: null,
  dropped: 0,
})
const checkpoint = (session: string): Checkpoint => ({ session, key: KEY, windows: [] })

export type OpenStorage = {
  /** Storage of this name; the same name later is the same data, as after a restart. */
  open(name: string): DeviceStorage
  /** Whether a second connection sees what the first wrote. */
  readonly durable: boolean
}

/** What every driver of a device's storage owes. */
export function storageContract({ open, durable }: OpenStorage): void {
  let name: string
  let storage: DeviceStorage
  let count = 0
  beforeEach(() => {
    name = `contract-${Date.now()}-${count++}`
    storage = open(name)
  })
  afterEach(() => storage.close())

  test('[DEV-38] settings are read, changed and deleted', async () => {
    expect(await storage.setting('one')).toBeUndefined()
    expect(await storage.updateSetting('one', () => ({ a: [1, null] }))).toEqual({ a: [1, null] })
    expect(await storage.setting('one')).toEqual({ a: [1, null] })
    await storage.updateSetting('one', () => undefined)
    expect(await storage.setting('one')).toBeUndefined()
  })

  test('[DEV-38] changes of one value follow each other: none is lost', async () => {
    await Promise.all(Array.from({ length: 20 }, () => storage.updateSetting('n', (value) => (typeof value === 'number' ? value : 0) + 1)))
    expect(await storage.setting('n')).toBe(20)
    await Promise.all(
      Array.from({ length: 20 }, () =>
        storage.updateModel(KEY, (state) => ({ ...(state ?? newModelState('digits', 'stable')), sequence: (state?.sequence ?? 0) + 1 })),
      ),
    )
    expect((await storage.model(KEY))?.sequence).toBe(20)
    expect((await storage.models()).length).toBe(1)
  })

  test('[DEV-39] a version is not committed before its pieces are there, and nothing of the attempt remains', async () => {
    await storage.putPiece(A, new Blob(['abc']))
    const commit = storage.updateModel(KEY, () => ({ ...newModelState('digits', 'stable'), sequence: 9 }), [
      { put: 'outbox', created: 1, item: { kind: 'report', body: report(0) } },
      { put: 'version', record: version(M1, [A, B]) },
    ])
    await expect(commit).rejects.toMatchObject({ code: 'conflict' })
    expect(await storage.version(M1)).toBeUndefined()
    expect((await storage.model(KEY))?.sequence ?? 0).toBe(0)
    expect(await storage.outboxSize()).toBe(0)
    await storage.putPiece(B, new Blob(['b']))
    await storage.updateModel(KEY, () => newModelState('digits', 'stable'), [{ put: 'version', record: version(M1, [A, B]) }])
    expect(await storage.version(M1)).toMatchObject({ version: 1, pieces: [A, B] })
    expect((await storage.versions(KEY)).length).toBe(1)
    expect(await storage.versions('other@stable')).toEqual([])
  })

  test('[DEV-39] a change that throws changes nothing', async () => {
    await storage.updateModel(KEY, () => ({ ...newModelState('digits', 'stable'), sequence: 3 }))
    const failing = storage.updateModel(KEY, () => {
      throw new Error('no')
    }, [{ put: 'checkpoint', record: checkpoint('s') }])
    await expect(failing).rejects.toThrow('no')
    expect((await storage.model(KEY))?.sequence).toBe(3)
    expect(await storage.checkpoints()).toEqual([])
  })

  test('[DEV-40] pieces are bytes; those that another version names survive the end of one', async () => {
    for (const [digest, text] of [
      [A, 'aaa'],
      [B, 'bbb'],
      [C, 'ccc'],
    ] as const)
      await storage.putPiece(digest, new Blob([text]))
    const commit = (record: VersionRecord) =>
      storage.updateModel(KEY, (state) => state ?? newModelState('digits', 'stable'), [{ put: 'version', record }])
    await commit(version(M1, [A, B]))
    await commit(version(M2, [B, C], 2))
    expect(await must(await storage.piece(B), 'B').text()).toBe('bbb')
    await storage.dropVersion(M1)
    expect([await storage.hasPiece(A), await storage.hasPiece(B), await storage.hasPiece(C)]).toEqual([false, true, true])
    await storage.putPiece(A, new Blob(['aaa']))
    await storage.putPartial(A, new Blob(['a']))
    await storage.sweep([])
    expect(await storage.piece(A)).toBeUndefined()
    expect(await storage.partial(A)).toBeUndefined()
    expect(await storage.hasPiece(C)).toBe(true)
    await storage.putPiece(A, new Blob(['aaa']))
    await storage.sweep([A])
    expect(await storage.hasPiece(A)).toBe(true)
    await storage.dropPiece(A)
    expect(await storage.hasPiece(A)).toBe(false)
  })

  test('[DEV-40] the beginning of a piece is kept until it is taken back', async () => {
    expect(await storage.partial(A)).toBeUndefined()
    await storage.putPartial(A, new Blob(['half']))
    expect(await must(await storage.partial(A), 'the part').text()).toBe('half')
    await storage.putPartial(A, undefined)
    expect(await storage.partial(A)).toBeUndefined()
  })

  test('[DEV-41] the outbox keeps order, and takes counts over from a checkpoint in one step', async () => {
    const put = (sequence: number) => ({ put: 'outbox', created: sequence, item: { kind: 'report', body: report(sequence) } }) as const
    await storage.updateModel(KEY, () => newModelState('digits', 'stable'), [
      { put: 'checkpoint', record: checkpoint('one') },
      { put: 'checkpoint', record: checkpoint('two') },
    ])
    await storage.updateModel(KEY, (state) => state ?? newModelState('digits', 'stable'), [
      put(1),
      put(2),
      { drop: 'checkpoint', session: 'one', key: KEY },
    ])
    await storage.updateModel(KEY, (state) => state ?? newModelState('digits', 'stable'), [put(3)])
    expect((await storage.checkpoints()).map(({ session }) => session)).toEqual(['two'])
    const items = await storage.outbox(2)
    expect(items.map((item) => item.kind === 'report' && item.body.sequence)).toEqual([1, 2])
    await storage.dropFromOutbox(items.map(({ id }) => id))
    expect(await storage.outboxSize()).toBe(1)
    expect((await storage.outbox(10)).map((item) => item.kind === 'report' && item.body.sequence)).toEqual([3])
  })

  test.runIf(durable)('[DEV-42] what is written is there after a restart, and for other tabs', async () => {
    await storage.updateSetting('one', () => 1)
    await storage.putPiece(A, new Blob(['abc']))
    const other = open(name)
    expect(await other.setting('one')).toBe(1)
    storage.close()
    expect(await must(await other.piece(A), 'A').text()).toBe('abc')
    other.close()
    expect(await storage.setting('one')).toBe(1)
  })

  test('[DEV-32] clear leaves nothing', async () => {
    await storage.updateSetting('one', () => 1)
    await storage.putPiece(A, new Blob(['abc']))
    await storage.updateModel(KEY, () => newModelState('digits', 'stable'), [{ put: 'checkpoint', record: checkpoint('s') }])
    await storage.clear()
    expect([await storage.setting('one'), await storage.piece(A), await storage.model(KEY)]).toEqual([undefined, undefined, undefined])
    expect(await storage.checkpoints()).toEqual([])
  })
}
