import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { monitoringStore } from '../../../server/monitoring/monitoring-store.ts'
import { createWorld, MODEL } from './world.ts'

const alert = (title: string) => ({
  kind: 'run-failed' as const,
  severity: 'warning' as const,
  subject: 'digits',
  title,
  detail: '',
  evidence: {},
})

test('[MON-15] alerts are listed newest first, page by page, and by kind', async () => {
  const one = await createWorld()
  for (let i = 0; i < 7; i++) {
    await one.monitoring.raise(alert(`alert ${i}`))
    if (i % 2 === 0) await one.clock.advance(1)
  }
  await one.monitoring.raise({ ...alert('other'), kind: 'refused' })
  const viewer = one.server.client(one.server.keys.viewer)
  const titles: string[] = []
  let cursor: string | null = null
  do {
    const page: { items: { title: string }[]; next: string | null } = await viewer('alerts.list', {
      query: { limit: '2', kind: 'run-failed', ...(cursor === null ? {} : { cursor }) },
    })
    expect(page.items.length).toBeLessThanOrEqual(2)
    titles.push(...page.items.map(({ title }) => title))
    cursor = page.next
  } while (cursor !== null)
  expect([...titles].sort()).toEqual(Array.from({ length: 7 }, (_, i) => `alert ${i}`))
  expect(titles.at(-1)).toBe('alert 0')
  expect((await viewer('alerts.list', { query: {} })).items).toHaveLength(8)
  await expect(viewer('alerts.list', { query: { cursor: 'nonsense' } })).rejects.toMatchObject({ code: 'invalid_input' })
  await one.close()
})

test('[MON-16] an alert is acknowledged once, by an editor; the first acknowledgement stays', async () => {
  const one = await createWorld()
  const raised = await one.monitoring.raise(alert('a'))
  const params = { alert: raised.id }
  await expect(one.server.client(one.server.keys.viewer)('alerts.acknowledge', { params })).rejects.toMatchObject({ code: 'forbidden' })
  const editor = one.server.client(one.server.keys.editor)
  const first = await editor('alerts.acknowledge', { params })
  expect(first.acknowledged?.at).toBe(one.clock.now())
  await one.clock.advance(1000)
  expect(await one.server.client(one.server.keys.admin)('alerts.acknowledge', { params })).toEqual(first)
  await expect(editor('alerts.acknowledge', { params: { alert: `alt_${'0'.repeat(20)}` } })).rejects.toMatchObject({ code: 'not_found' })
  await one.close()
})

test('[MON-17] an alert with a cause is raised once, also after a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-alerts-'))
  try {
    const before = await createWorld({ dataFolder: folder })
    const first = await before.monitoring.raise({ ...alert('a'), cause: 'x' })
    await before.close()
    const after = await createWorld({ dataFolder: folder, seed: 8 })
    expect(await after.monitoring.raise({ ...alert('b'), cause: 'x' })).toEqual(first)
    expect(after.eventsOf('alert.raised')).toEqual([])
    expect((await after.monitoring.list({ limit: 10 })).items).toHaveLength(1)
    await after.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('[MON-18] a verdict whose event a crash has swallowed is published by the next tick, once', async () => {
  const one = await createWorld()
  const verdict = { kind: 'drift' as const, features: ['ink'], detail: 'ink drifted', evidence: {} }
  await monitoringStore(one.server.services.db).putVerdict({ model: MODEL, version: 1, at: 5, verdict })
  await one.monitoring.tick()
  await one.monitoring.tick()
  expect(one.eventsOf('monitoring.verdict').map(({ data }) => data)).toEqual([
    { model: MODEL, version: 1, verdict: 'drift', features: ['ink'], detail: 'ink drifted' },
  ])
  expect(one.failures).toEqual([])
  await one.close()
})
