import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const LAUNCHER = join(import.meta.dirname, '..', '..', '..', 'server', 'cli', 'shoal.js')

test.skipIf(process.platform === 'win32').each(['SIGTERM', 'SIGINT'] as const)(
  '[CLI-9] `shoal serve` starts the server with its settings, and %s ends it cleanly',
  async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-serve-'))
    const child = spawn(process.execPath, [LAUNCHER, 'serve', '--port', '0', '--data', join(folder, 'data'), '--client', folder], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let text = ''
        child.stdout.on('data', (chunk: Buffer) => {
          text += String(chunk)
          const found = /is at (http:\/\/\S+)/.exec(text)?.[1]
          if (found !== undefined) resolve(found)
        })
        child.on('exit', (code) => reject(new Error(`ended with ${code} before it listened: ${text}`)))
      })
      expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ live: true })
      const ended = once(child, 'exit')
      child.kill(signal)
      expect(await ended).toEqual([0, null])
    } finally {
      child.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    }
  },
)
