import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { federate } from '../../../server/pipeline/components/federate.ts'
import { param } from '../../../server/pipeline/params.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import type { RunId } from '../../../shared/core/ids.ts'
import { createTestServer, type TestServer } from '../harness.ts'
import { DIGITS, publishBase, roundIn, until } from './federated-world.ts'

/** A round and nothing after it. */
const field = definePipeline({
  name: 'field',
  description: '',
  model: 'digits',
  dataset: 'digits',
  steps: { federate: step(federate, { params: { model: param('model'), wanted: 5, minimum: 1, durationMs: 3_600_000 } }) },
})

let dataFolder: string
let server: TestServer
const open = async (): Promise<void> => {
  server = await createTestServer({ dataFolder })
  await server.services.pipelines.define(field)
}
beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'shoal-field-'))
  await open()
  await publishBase(server)
})
afterEach(async () => {
  await server.close()
  await rm(dataFolder, { recursive: true, force: true })
})

const begin = () => server.services.pipelines.startRun('field', { params: {}, reason: 'a test', by: 'tests' })
const ended = (run: RunId) =>
  until('the end of the run', async () => {
    const detail = await server.services.pipelines.run(run)
    return detail.state === 'running' || detail.state === 'queued' ? undefined : detail
  })

test('[FED-24] a run that is cancelled closes its round, so that devices do not train for nothing', async () => {
  const { id } = await begin()
  const round = await roundIn(server, 'open')
  await server.services.pipelines.cancel(id, 'we changed our minds')
  expect(await ended(id)).toMatchObject({ state: 'cancelled' })
  expect(await server.services.federation.get(round.id)).toMatchObject({ state: 'abandoned', why: expect.stringContaining('closed by') })
})

test('[FED-24] a run that the end of the server interrupts comes back to its round, and tells why nothing came of it', async () => {
  const { id } = await begin()
  const round = await roundIn(server, 'open')
  await server.close()
  await open()
  expect(await server.services.federation.get(round.id)).toMatchObject({ state: 'open' })
  await server.services.pipelines.begin()
  await until('the second attempt', async () => {
    const [first] = (await server.services.pipelines.run(id)).steps
    return first?.attempts === 2 && first.progress !== null ? first : undefined
  })
  await server.services.federation.close(round.id, { kind: 'system', name: 'test' })
  expect(await ended(id)).toMatchObject({
    state: 'failed',
    error: { code: 'step_failed', step: 'federate', detail: expect.stringContaining(round.id) },
  })
  expect(await server.services.federation.list({ model: DIGITS })).toHaveLength(1)
})
