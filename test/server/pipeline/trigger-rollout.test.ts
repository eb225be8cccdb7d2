import { expect, test } from 'vitest'
import { definePipeline, type StepDefinition, step } from '../../../server/pipeline/pipeline.ts'
import { utf8 } from '../../../shared/core/bytes.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { MODEL } from '../monitoring/world.ts'
import { start, world } from '../rollouts/rollout-world.ts'
import { constant, releasing } from './step-kinds.ts'

const HOUR = 60 * 60 * 1000

const watched = (name: string, one: StepDefinition) =>
  definePipeline({
    name,
    description: '',
    model: MODEL,
    dataset: 'rows',
    steps: { one },
    triggers: {
      'new-data': { enabled: true, settings: { minSpans: 1 } },
      schedule: { enabled: true, settings: { cron: '0 * * * *' } },
    },
  })

test('[PIP-184] a rollout holds back the runs of a pipeline that releases, which start once it has ended, and no others', async () => {
  const one = await world()
  const { server, clock } = one
  const { pipelines } = server.services
  const api = server.client(server.keys.admin)
  await pipelines.define(watched('releases', step(releasing, {})))
  await pipelines.define(watched('counts', step(constant, { params: { value: 1 } })))
  await pipelines.begin()
  await api('datasets.create', { body: { name: 'rows' as Slug } })
  const upload = async (row: string) => {
    await clock.advance(1000)
    await api('spans.upload', { params: { dataset: 'rows' as Slug }, body: utf8(`a,b\n${row}\n`), type: 'text/csv' })
    await pipelines.idle()
  }
  const kinds = async (pipeline: string) => {
    const { items } = await api('runs.list', { query: { pipeline: pipeline as Slug } })
    return items.map(({ trigger }) => trigger.kind).sort()
  }
  const latest = async (kind: 'new-data' | 'schedule') =>
    (await api('pipelines.decisions', { params: { pipeline: 'releases' as Slug }, query: { kind } })).items[0]

  const rollout = await start(one)
  await upload('1,2')
  await upload('3,4')
  await clock.advance(HOUR)
  await pipelines.tick()
  await pipelines.idle()
  expect(await kinds('counts')).toEqual(['new-data', 'new-data', 'schedule'])
  expect(await kinds('releases')).toEqual([])
  for (const kind of ['new-data', 'schedule'] as const)
    expect(await latest(kind)).toMatchObject({
      fired: false,
      code: 'underway',
      why: expect.stringContaining(`but rollout ${rollout.id} of version 2 is under way`) as string,
    })

  await api('rollouts.promote', { params: { rollout: rollout.id }, body: { reason: 'good' } })
  await pipelines.idle()
  expect(await kinds('releases')).toEqual(['new-data', 'schedule'])
  expect(await latest('new-data')).toMatchObject({ fired: true, why: '2 new spans arrived, 1 are enough' })
  await pipelines.tick()
  await pipelines.idle()
  expect(await kinds('releases')).toHaveLength(2)
})
