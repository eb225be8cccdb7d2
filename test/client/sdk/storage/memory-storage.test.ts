import { expect, test } from 'vitest'
import { memoryStorage } from '../../../../client/sdk/storage/memory-storage.ts'
import type { Sha256 } from '../../../../shared/core/digest.ts'
import { storageContract } from './storage-contract.ts'

storageContract({ open: () => memoryStorage(), durable: false })

test('[DEV-7] a full storage refuses and keeps what it has', async () => {
  const storage = memoryStorage({ quota: 10 })
  await storage.putPiece('a'.repeat(64) as Sha256, new Blob(['12345678']))
  await expect(storage.putPiece('b'.repeat(64) as Sha256, new Blob(['123']))).rejects.toMatchObject({ code: 'storage_full' })
  expect(await storage.estimate()).toEqual({ usage: 8, quota: 10 })
})
