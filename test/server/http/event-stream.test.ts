import { expect, test } from 'vitest'
import { manualClock } from '../../../shared/core/clock.ts'
import { eventStream } from '../../../server/http/event-stream.ts'
import { createTestServer } from '../harness.ts'

/** Reads until the text holds what is looked for; fails when the stream ends before. */
async function readUntil(response: Response, wanted: string): Promise<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (reader && !text.includes(wanted)) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`the stream ended after ${JSON.stringify(text)}`)
    text += value
  }
  reader?.releaseLock()
  return text
}

test('[HTTP-12] who listens hears what happens, as server-sent events', async () => {
  const server = await createTestServer()
  const response = await server.request('/v1/events', { headers: { authorization: `Bearer ${server.keys.viewer}` } })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  server.services.events.publish({ type: 'run.changed', subject: 'run_x', data: { state: 'running', note: 'two\nlines' } })
  const text = await readUntil(response, 'run.changed')
  const line = text.split('\n').find((candidate) => candidate.startsWith('data: ')) ?? ''
  expect(JSON.parse(line.slice(6))).toEqual({
    type: 'run.changed',
    at: server.services.clock.now(),
    subject: 'run_x',
    data: { state: 'running', note: 'two\nlines' },
  })
  await server.close()
})

test('[HTTP-12] a stopping server ends its streams', async () => {
  const server = await createTestServer()
  const response = await server.request('/v1/bell')
  server.services.beginClose()
  expect(await response.text()).toContain('retry:')
  await server.close()
})

test('[HTTP-12] a listener that went away is forgotten', async () => {
  const clock = manualClock()
  let listening = 0
  const subscribe = () => {
    listening++
    return () => void listening--
  }
  const gone = new AbortController()
  const streams = [eventStream({ clock, signals: [gone.signal], subscribe }), eventStream({ clock, signals: [], subscribe })]
  expect(listening).toBe(2)
  gone.abort()
  await streams[1]?.body?.cancel()
  expect(listening).toBe(0)
})

test('[HTTP-12] one that does not read is cut off instead of filling the memory', async () => {
  let send: (data: number) => void = () => {}
  let listening = true
  const response = eventStream<number>({
    clock: manualClock(),
    signals: [],
    subscribe: (to) => {
      send = to
      return () => {
        listening = false
      }
    },
  })
  for (let i = 0; i < 10_000 && listening; i++) send(i)
  expect(listening).toBe(false)
  expect((await response.text()).split('\n\n').length).toBeLessThan(300)
})

test('[HTTP-12] a quiet stream says now and then that it is still there', async () => {
  const clock = manualClock()
  const stop = new AbortController()
  const response = eventStream({ clock, signals: [stop.signal], subscribe: () => () => {} })
  await clock.advance(60_000)
  stop.abort()
  expect((await response.text()).match(/: still here/g)?.length).toBeGreaterThanOrEqual(4)
})
