import type { Fetch } from '../../shared/contract/client.ts'
import { pathOf } from '../../shared/contract/client.ts'
import { ROUTES } from '../../shared/contract/routes.ts'
import type { PredictInput } from '../../shared/contract/serving.ts'
import { fromProblem } from '../../shared/core/errors.ts'
import { MAX_PREDICT_BODY_BYTES } from '../../shared/core/limits.ts'
import type { Slug } from '../../shared/core/ids.ts'
import type { Check } from './check.ts'

export type SecurityOptions = {
  readonly fetch: Fetch
  readonly url: string
  /** One that may ask. */
  readonly key: string
  readonly model: Slug
  readonly version: number
  readonly input: PredictInput
}

/** What no caller should be told: where code lies and how it was called. */
const INNARDS = /\n\s+at |node_modules|\.[cm]?[jt]s:\d+/

/** Callers without rights, and requests that are broken on purpose: each must be refused with its status and a coded problem that tells nothing of the inside. */
export async function checkSecurity({ fetch, url, key, model, version, input }: SecurityOptions): Promise<Check[]> {
  const path = pathOf(ROUTES['models.predict'], { params: { model } })
  const good = JSON.stringify({ inputs: [input], version })
  const may = { authorization: `Bearer ${key}` }
  const ask = (body: string, headers: Record<string, string>, at = path) =>
    fetch(url + at, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })

  async function refused(check: string, statuses: readonly number[], asked: Promise<Response>): Promise<Check> {
    // a connection that is cut off refuses too, but says neither what was wrong nor what to do
    const response = await asked.catch(() => undefined)
    if (response === undefined) return { check, ok: false, what: `no answer, expected ${statuses.join(' or ')}` }
    const text = await response.text()
    const code = codeOf(text)
    const what = `${response.status}${code === undefined ? ' without a code' : ` ${code}`}, expected ${statuses.join(' or ')}`
    if (INNARDS.test(text)) return { check, ok: false, what: `${what}; the answer tells of the inside` }
    return { check, ok: statuses.includes(response.status) && code !== undefined, what }
  }

  const answered = await ask(good, may)
  return [
    { check: 'who may ask is answered', ok: answered.ok, what: `${answered.status}, expected 200` },
    await refused('no key', [401], ask(good, {})),
    await refused('a key that is none', [401], ask(good, { authorization: `Bearer ${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}` })),
    await refused('a key in another scheme', [401], ask(good, { authorization: `Basic ${key}` })),
    await refused('no JSON', [400, 422], ask('{"inputs":[', may)),
    await refused('another form', [400, 422], ask('{"inputs":"all"}', may)),
    await refused('nothing asked', [400, 422], ask(`{"inputs":[],"version":${version}}`, may)),
    await refused('another type of content', [400, 415], ask(good, { ...may, 'content-type': 'text/plain' })),
    await refused(
      'an input of nonsense',
      [400, 422],
      ask(JSON.stringify({ inputs: [{ tensors: { '__proto__ ': { data: [1] } } }], version }), may),
    ),
    await refused('a name that climbs', [400, 404, 422], ask(good, may, path.replace(encodeURIComponent(model), '..%2f..%2fetc%2fpasswd'))),
    await refused('a version that is not there', [404], ask(JSON.stringify({ inputs: [input], version: 999_999_999 }), may)),
    await refused('more than is taken', [413], ask(`{"inputs":["${'x'.repeat(MAX_PREDICT_BODY_BYTES)}"]}`, may)),
  ]
}

function codeOf(text: string): string | undefined {
  try {
    return fromProblem(JSON.parse(text))?.code
  } catch {
    return undefined
  }
}
