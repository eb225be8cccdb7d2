import { readFile } from 'node:fs/promises'
import { API_TEST_KINDS, type ApiTestKind } from '../../../shared/contract/version-tests.ts'
import { must } from '../../../shared/core/assert.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { EXIT_CODES, type Check } from '../../checks/check.ts'
import { command, UsageError, versionOf } from '../command.ts'
import { checkTable } from '../check-table.ts'
import { positive } from '../positive.ts'

const isKind = (word: string): word is ApiTestKind => API_TEST_KINDS.some((kind) => kind === word)

/** Throws not_found, malformed_json, invalid_input. */
async function casesIn(path: string) {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('not_found', `${path} cannot be read`, { cause })
  })
  const { parseCases } = await import('../../checks/api-cases.ts')
  return parseCases(text)
}

/** The same cases are what is expected, what callers ask, and what broken requests are made of. */
export const checkApi = command({
  name: 'api',
  description: `A version through the API, recorded on it: cases with known answers, many callers, callers without rights; exit code ${EXIT_CODES.api} where it does not hold`,
  args: {
    model: { type: 'positional', required: true, description: 'Name of the model' },
    version: { type: 'positional', required: true, description: 'Number of the version' },
    cases: {
      type: 'string',
      required: true,
      description: 'JSON: [{"input":…,"expect":{"label":…}}], or number, probabilities, error in place of label',
      valueHint: 'file',
    },
    kind: { type: 'string', default: 'regression', description: 'What it is put to', valueHint: API_TEST_KINDS.join('|') },
    seconds: { type: 'string', default: '5', description: 'How long a load lasts', valueHint: 'seconds' },
    callers: { type: 'string', default: '4', description: 'How many ask at a time in a load', valueHint: 'number' },
    qps: { type: 'string', description: 'Least answers a second under load', valueHint: 'number' },
    latency: { type: 'string', description: 'Most milliseconds of an answer under load (95th percentile)', valueHint: 'ms' },
    dry: { type: 'boolean', description: 'Record nothing' },
  },
  async run({ args, client, url, key, output, cli }) {
    const { kind } = args
    if (!isKind(kind)) throw new UsageError(`--kind is ${API_TEST_KINDS.join(', ')}, not ${kind}`)
    const version = versionOf(args.version)
    const [seconds = 5, callers = 4] = [positive('seconds', args.seconds), positive('callers', args.callers)]
    const least = { qps: positive('qps', args.qps), latencyMs: positive('latency', args.latency) }
    if (!Number.isInteger(callers)) throw new UsageError(`--callers takes a whole number, not ${callers}`)
    const cases = await casesIn(args.cases)
    const model = args.model as Slug
    const of = { model, version }
    await client('versions.get', { params: { model: args.model, version: String(version) } })
    let checks: Check[]
    let figures: Record<string, number> = {}
    if (kind === 'regression') {
      const { checkRegression } = await import('../../checks/check-api-regression.ts')
      checks = await checkRegression(client, model, version, cases)
    } else if (kind === 'load') {
      const inputs = cases.filter(({ expect }) => !('error' in expect)).map(({ input }) => input)
      if (inputs.length === 0) throw new UsageError('a load needs a case that is answered')
      const { checkLoad } = await import('../../checks/check-api-load.ts')
      const found = await checkLoad(client, { ...of, ...least, clock: cli.clock, inputs, callers, ms: seconds * 1000 })
      checks = found.checks
      figures = found.figures
    } else {
      if (key === undefined) throw new UsageError('name a key that may ask: --key or SHOAL_KEY')
      const { checkSecurity } = await import('../../checks/check-api-security.ts')
      checks = await checkSecurity({ ...of, fetch: cli.fetch, url, key, input: must(cases[0], 'a case').input })
    }
    if (args.dry !== true)
      await client('versions.record-test', { params: { model: args.model, version: String(version) }, body: { kind, checks, figures } })
    return checkTable(output, 'api', checks, { test: kind, figures })
  },
})
