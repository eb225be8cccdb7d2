import { expect, test } from 'vitest'
import { manualClock } from '../../../shared/core/clock.ts'
import { cryptoRandom } from '../../../shared/core/random.ts'
import { newToken } from '../../../server/access/tokens.ts'
import { createEventBus } from '../../../server/events.ts'
import { createLog } from '../../../server/log.ts'

test('[HTTP-16] the log is JSON lines for machines and sentences for people, without secrets in either', async () => {
  const secret = newToken('admin', cryptoRandom)
  for (const terminal of [false, true]) {
    const lines: string[] = []
    const log = await createLog({ level: 'info', terminal, write: (line) => void lines.push(line) })
    log.debug('not shown')
    log.warn('slow {request}', { path: `/x?key=${secret}`, ms: 12 })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('slow {request}')
    expect(lines[0]).toContain('shoal_admin_***')
    expect(lines[0]).not.toContain(secret)
    if (!terminal) expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'WARN', properties: { ms: 12 } })
  }
})

test('[HTTP-12] a listener that throws neither stops the others nor whoever published', () => {
  const failures: unknown[] = []
  const heard: string[] = []
  const bus = createEventBus({ clock: manualClock(5), onError: (thrown) => void failures.push(thrown) })
  bus.subscribe(() => {
    throw new Error('broken listener')
  })
  const stop = bus.subscribe((event) => void heard.push(`${event.type}@${event.at}`))
  bus.publish({ type: 'a', subject: 's', data: null })
  stop()
  bus.publish({ type: 'b', subject: 's', data: null })
  expect([heard, failures.length]).toEqual([['a@5'], 2])
})
