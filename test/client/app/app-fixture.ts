import { slug } from '../../../shared/core/fields.ts'
import type { SharedExample } from '../../../shared/contract/datasets.ts'
import type { Report } from '../../../shared/stats/report.ts'
import { type DigitModelOptions, digitModel } from '../../simulator/digit-model.ts'
import { publishVersion } from '../../simulator/publish.ts'
import { type FixtureServer, startFixtureServer } from '../fixture-server.ts'

const APP = 'digits'

export type AppFixture = FixtureServer & {
  /** What devices have handed in. */
  readonly reports: Report[]
  readonly examples: SharedExample[]
  publishDigits(options?: DigitModelOptions): Promise<number>
}

/** The real server with a small real digits model; reports and examples are kept here to be looked at. */
export async function startAppFixture(): Promise<AppFixture> {
  const reports: Report[] = []
  const examples: SharedExample[] = []
  const server = await startFixtureServer({
    'reports.send': async ({ body }) => {
      reports.push(...body.reports)
      return { accepted: body.reports.length, duplicates: 0, refused: [] }
    },
    'examples.share': async ({ body }) => {
      examples.push(...body.examples)
      return { accepted: body.examples.length, duplicates: 0 }
    },
  })
  await server.admin('apps.create', { body: { app: slug.parse(APP), models: [slug.parse(APP)] } })
  const publishDigits = async (options: DigitModelOptions = {}) =>
    (await publishVersion(server.admin, APP, await digitModel(options))).version
  await publishDigits()
  return { ...server, reports, examples, publishDigits }
}
