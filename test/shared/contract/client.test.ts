import { expect, test } from 'vitest'
import { AppError } from '../../../shared/core/errors.ts'
import { createClient } from '../../../shared/contract/client.ts'
import type { Slug } from '../../../shared/core/ids.ts'

const answering = (status: number, body: string, type = 'application/json') => {
  const calls: { url: string; init: RequestInit }[] = []
  const client = createClient({
    url: 'https://shoal.test',
    token: () => 'shoal_viewer_x',
    fetch: async (url, init) => {
      calls.push({ url, init })
      return new Response(status === 204 ? null : body, { status, headers: { 'content-type': type } })
    },
  })
  return { client, calls }
}
const failureOf = async (work: Promise<unknown>): Promise<AppError> => {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof AppError) return thrown
  throw new Error(`expected an AppError, got ${String(thrown)}`)
}

test('[CON-1] a call goes to its path, with its parameters, token and body, and gives back the parsed answer', async () => {
  const model = { name: 'a', description: '', created: 1, versions: 0, latest: null, aliases: {} }
  const { client, calls } = answering(201, JSON.stringify(model))
  expect(await client('models.create', { body: { name: 'a' } }, { idempotencyKey: 'k' })).toEqual(model)
  expect(calls[0]?.url).toBe('https://shoal.test/v1/models')
  expect(calls[0]?.init).toMatchObject({
    method: 'POST',
    body: '{"name":"a"}',
    headers: { authorization: 'Bearer shoal_viewer_x', 'idempotency-key': 'k', 'content-type': 'application/json' },
  })
})

test('[CON-1] parameters are escaped, so that none leads to another path', async () => {
  const { client, calls } = answering(404, '{}')
  await failureOf(client('models.get', { params: { model: '../keys?x=1#y' as Slug } }))
  expect(calls[0]?.url).toBe('https://shoal.test/v1/models/..%2Fkeys%3Fx%3D1%23y')
  await failureOf(client('runs.list', { query: { pipeline: 'a&b' as Slug, limit: undefined } }))
  expect(calls[1]?.url).toBe('https://shoal.test/v1/runs?pipeline=a%26b')
})

test('[CON-1] a problem document is thrown as the failure it speaks of', async () => {
  const { client } = answering(
    404,
    '{"type":"x","title":"t","status":404,"detail":"no model a","code":"unknown_model","retryable":false}',
    'application/problem+json',
  )
  expect(await failureOf(client('models.get', { params: { model: 'a' } }))).toMatchObject({ code: 'unknown_model', detail: 'no model a' })
})

test.each([
  ['a page in place of an answer', 200, '<!doctype html>', 'protocol_mismatch'],
  ['JSON of another form', 200, '{"items":[{"name":7}]}', 'protocol_mismatch'],
  ['a failing proxy', 502, '<h1>Bad gateway</h1>', 'unavailable'],
  ['a login page with 403', 403, 'no', 'protocol_mismatch'],
])('[CON-1] %s is a coded failure', async (_, status, body, code) => {
  const { client } = answering(status, body)
  expect((await failureOf(client('models.list'))).code).toBe(code)
})

test('[CON-1] no answer is `network`, an aborted one `aborted`', async () => {
  const client = createClient({
    url: '',
    fetch: async (_, init) => {
      init.signal?.throwIfAborted()
      throw new TypeError('fetch failed')
    },
  })
  expect((await failureOf(client('models.list'))).code).toBe('network')
  expect((await failureOf(client('models.list', {}, { signal: AbortSignal.abort() }))).code).toBe('aborted')
})

test('[CON-1] an operation without an answer gives undefined', async () => {
  const { client } = answering(204, '')
  expect(await client('keys.revoke', { params: { key: 'key_01h2xcejqtf2nbrexx3v' as never } })).toBeUndefined()
})
