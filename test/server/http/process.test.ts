import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startMain } from '../storage/main-process.ts'

let data: string
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'shoal-main-'))
})
afterEach(() => rm(data, { recursive: true, force: true }))

test('[HTTP-17] a stopping server finishes what it has begun, ends its streams and leaves a closed database', async () => {
  const server = await startMain(data)
  const key = /shoal_admin_[\w-]+/.exec(server.printed())?.[0] ?? ''
  const stream = await fetch(`${server.url}/v1/bell`)
  // an upload of which half has arrived when the signal comes
  const body = JSON.stringify({ name: 'half-way' })
  const upload = request(`${server.url}/v1/models`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': body.length },
  })
  const answered = new Promise<number | undefined>((resolve, reject) =>
    upload.once('response', (response) => resolve(response.statusCode)).once('error', reject),
  )
  upload.write(body.slice(0, 5))
  await new Promise((resolve) =>
    upload.once('socket', (socket) => (socket.connecting ? socket.once('connect', resolve) : resolve(undefined))),
  )
  await fetch(`${server.url}/health/live`)
  const ended = server.end('SIGTERM')
  expect(await stream.text()).toContain('retry:')
  upload.end(body.slice(5))
  expect(await answered).toBe(201)
  expect(await ended).toEqual({ code: 0, signal: null })

  const again = await startMain(data)
  // the first key was shown once, and works on
  expect(again.printed()).not.toContain('shoal_admin_')
  const models = (await (await fetch(`${again.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).json()) as {
    items: { name: string }[]
  }
  expect(models.items.map((model) => model.name)).toEqual(['half-way'])
  await again.end('SIGTERM')
})

test('[HTTP-17] a second signal does not wait', async () => {
  const server = await startMain(data)
  const key = /shoal_admin_[\w-]+/.exec(server.printed())?.[0] ?? ''
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': 10 }
  const hanging = request(`${server.url}/v1/models`, { method: 'POST', headers })
  hanging.on('error', () => {})
  hanging.write('{')
  await new Promise((resolve) =>
    hanging.once('socket', (socket) => (socket.connecting ? socket.once('connect', resolve) : resolve(undefined))),
  )
  const ended = server.end('SIGTERM')
  await expect
    .poll(
      () =>
        fetch(`${server.url}/health/live`).then(
          () => 'open',
          () => 'closed',
        ),
      { timeout: 8000 },
    )
    .toBe('closed')
  server.child.kill('SIGINT')
  expect((await ended).code).toBe(130)
})

test('[HTTP-14] a port that is taken, and a flag that is unknown, end the start with a sentence', async () => {
  const server = await startMain(data)
  const port = new URL(server.url).port
  const other = await mkdtemp(join(tmpdir(), 'shoal-main-'))
  await expect(startMain(other, { args: ['--port', port] })).rejects.toThrow(/unavailable: cannot listen on .* choose another --port/)
  await expect(startMain(other, { args: ['--prot', '1'] })).rejects.toThrow(/invalid_input: Unknown option '--prot'/)
  await rm(other, { recursive: true, force: true })
  await server.end('SIGTERM')
})

test('[REG-17] a second server on the same data folder is refused, and one that was killed leaves the folder free', async () => {
  const first = await startMain(data)
  await expect(startMain(data)).rejects.toThrow(/conflict: another server works on the data folder .* --data/)
  expect((await fetch(`${first.url}/health/ready`)).status).toBe(200)
  await first.end('SIGKILL')
  const next = await startMain(data)
  await next.end('SIGTERM')
})
