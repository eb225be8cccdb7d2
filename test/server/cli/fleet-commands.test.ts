import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Handlers } from '../../../server/http/register.ts'
import type { Alert } from '../../../shared/contract/monitoring.ts'
import type { Rollout } from '../../../shared/contract/rollouts.ts'
import type { AlertId, RolloutId, Slug } from '../../../shared/core/ids.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

const AT = Date.UTC(2026, 0, 1)
const rollout: Rollout = {
  id: 'rol_0000000000000000000z' as RolloutId,
  model: 'digits' as Slug,
  alias: 'stable' as Slug,
  mode: 'canary',
  candidate: 3,
  stable: 2,
  state: 'running',
  stage: 1,
  share: 0.3,
  policy: {
    stages: [{ share: 0.3, minDevices: 5 }],
    alpha: 0.01,
    beta: 0.05,
    oddsCeiling: 2,
    firstWindow: 20,
    maxDurationMs: 60_000,
    promoteAfterDevices: 0,
  },
  created: AT,
  ended: null,
  decision: null,
  evidence: null,
}
const alert: Alert = {
  id: 'alt_0000000000000000000z' as AlertId,
  kind: 'drift',
  severity: 'warning',
  subject: 'digits',
  title: 'orientation drifted',
  detail: '',
  evidence: {},
  at: AT,
  acknowledged: null,
}
const calls: unknown[] = []
const uploaded: { type: string | null; text: string }[] = []
const decided = (state: Rollout['state'], reason: string): Rollout => ({ ...rollout, state, decision: { by: 'tester', reason } })

const handlers: Handlers = {
  'rollouts.list': async ({ query }) => ({ items: query.model === 'none' ? [] : [rollout] }),
  'rollouts.get': async () => ({ rollout, history: [] }),
  'rollouts.start': async ({ params, body }) => {
    calls.push({ model: params.model, ...body })
    return rollout
  },
  'rollouts.promote': async ({ body }) => decided('promoted', body.reason),
  'rollouts.rollback': async ({ body }) => decided('rolled-back', body.reason),
  'alerts.list': async ({ query }) => ({ items: query.kind === undefined || query.kind === 'drift' ? [alert] : [], next: null }),
  'alerts.acknowledge': async () => ({ ...alert, acknowledged: { at: AT, by: 'tester' } }),
  'spans.upload': async ({ body, request }) => {
    const text = await new Response(body).text()
    uploaded.push({ type: request.headers.get('content-type'), text })
    return { span: 1, source: 'upload', rows: 2, bytes: text.length, digest: '0'.repeat(64) as Sha256, created: AT }
  },
}

let world: CliWorld
let folder: string
beforeAll(async () => {
  world = await createCliWorld(handlers)
  folder = await mkdtemp(join(tmpdir(), 'shoal-cli-files-'))
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true, force: true })
})

test('[CLI-1] a rollout is started, listed, shown, promoted and taken back, each with its reason', async () => {
  expect((await world.run(['rollouts', 'start', 'digits', '3', '--reason', 'better on sevens'])).code).toBe(0)
  expect(calls).toEqual([{ model: 'digits', candidate: 3, alias: 'stable', mode: 'canary', reason: 'better on sevens' }])
  expect((await world.run('rollouts --model digits')).out).toContain(`${rollout.id}\tdigits\t2→3\trunning\t30 %`)
  expect((await world.run(['rollouts', 'show', rollout.id])).out).toContain('running, stage 1, 30 % of the devices')
  expect((await world.run(['rollouts', 'promote', rollout.id, '--reason', 'enough'])).out).toContain('decision  tester: enough')
  expect(JSON.parse((await world.run(['rollouts', 'rollback', rollout.id, '--reason', 'worse', '--json'])).out)).toMatchObject({
    state: 'rolled-back',
  })
})

test('[CLI-1] alerts are listed by kind and acknowledged', async () => {
  expect((await world.run('alerts')).out).toContain('warning\tdrift\tdigits\t-\torientation drifted')
  expect(await world.run('alerts list --kind rollback')).toMatchObject({ code: 0, out: '', err: 'no alerts\n' })
  expect((await world.run(['alerts', 'acknowledge', alert.id])).out).toBe(`${alert.id} seen by tester\n`)
})

test('[CLI-7] a file is uploaded as what its name says; one that cannot be read is a coded failure', async () => {
  const file = join(folder, 'rows.csv')
  await writeFile(file, 'a,b\n1,2\n3,4\n')
  expect(await world.run(['datasets', 'upload', 'digits', file])).toEqual({ code: 0, out: 'span 1 of digits: 2 rows, 12 B\n', err: '' })
  expect(uploaded).toEqual([{ type: 'text/csv', text: 'a,b\n1,2\n3,4\n' }])
  expect(await world.run(['datasets', 'upload', 'digits', join(folder, 'none.parquet')])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^shoal: not_found: .*none\.parquet cannot be read/) as string,
  })
})
