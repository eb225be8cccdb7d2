import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startBackend } from '../../../shared/compute/backends.ts'
import { wasmPath as installed } from './node-backend.ts'

// alone in its file: a process starts the WASM backend once
test('[CMP-2] the WASM backend starts at a later try when its binary could not be read before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-wasm-'))
  try {
    const wasmPath = join(folder, 'backend.wasm')
    for (let i = 0; i < 2; i++)
      expect(await startBackend('wasm', { wasmPath })).toMatchObject({
        ok: false,
        error: { code: 'no_backend', detail: expect.stringContaining(wasmPath) },
      })
    await copyFile(installed, wasmPath)
    expect(await startBackend('wasm', { wasmPath })).toMatchObject({ ok: true, value: 'wasm' })
  } finally {
    await rm(folder, { recursive: true })
  }
})
