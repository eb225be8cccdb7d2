import * as z from 'zod'
import type { Client } from '../../../shared/contract/client.ts'
import type { ArtifactId, RunId, Slug } from '../../../shared/core/ids.ts'
import { validateStatistics } from '../../../shared/data/anomalies.ts'
import type { Anomaly } from '../../../shared/data/anomaly.ts'
import { type DatasetStatistics, datasetStatisticsSchema, statisticsOf } from '../../../shared/data/dataset-statistics.ts'
import { type Comparator, comparatorSchema, type DatasetSchema, datasetSchema } from '../../../shared/data/schema.ts'
import { defineComponent } from '../component.ts'

const params = z.strictObject({
  dataset: z.string(),
  environment: z.string().default('TRAINING'),
  /**
   * How far features may move from the data of the last successful run, where their own schema says nothing. The default measures and records, and never stops: a
   * distance is not above 1.
   */
  drift: z.optional(comparatorSchema),
  /** Whether values that have moved stop the run too: without it they are warnings, as a retraining takes them in. */
  stopOnDrift: z.boolean().default(true),
})

const lookedUp = z.strictObject({
  schema: z.nullable(datasetSchema),
  previous: z.nullable(z.strictObject({ run: z.string(), artifact: z.string(), digest: z.string() })),
})
type Previous = z.output<typeof lookedUp>['previous']

/** The statistics of the pipeline's last successful run. */
async function findPrevious(api: Client, pipeline: Slug): Promise<Previous> {
  const { items } = await api('runs.list', { query: { pipeline, state: 'succeeded', limit: '1' } })
  const last = items[0]
  if (last === undefined) return null
  const { steps } = await api('runs.get', { params: { run: last.id as RunId } })
  const artifact = steps.flatMap((step) => Object.values(step.outputs)).find((output) => output.type === 'statistics')
  return artifact === undefined || artifact.digest === null ? null : { run: last.id, artifact: artifact.id, digest: artifact.digest }
}

/** The schema with `drift` where a feature has no comparator of its own and both sides can be compared. */
function watched(schema: DatasetSchema, drift: Comparator, now: DatasetStatistics, before: DatasetStatistics): DatasetSchema {
  const comparable = (name: string): boolean =>
    [now, before].every((side) => {
      const found = statisticsOf(side, name)
      return found !== undefined && found.count > 0 && (found.numeric !== undefined || found.categorical !== undefined)
    })
  return {
    ...schema,
    features: schema.features.map((feature) => (feature.drift === undefined && comparable(feature.name) ? { ...feature, drift } : feature)),
  }
}

/** Compares data with the accepted schema and with the data before, and stops the run where it does not fit. */
export const validateData = defineComponent({
  name: 'validate-data',
  version: '2',
  module: import.meta.url,
  inputs: { statistics: 'statistics', schema: 'schema' },
  outputs: { anomalies: 'anomalies' },
  params,
  async reads({ params: { dataset }, pipeline, api }) {
    const { schema } = await api('datasets.get', { params: { dataset: dataset as Slug } })
    return { schema: schema as never, previous: await findPrevious(api, pipeline) }
  },
  async run({ inputs, params: { environment, stopOnDrift, drift = { jensenShannonDivergence: 1 } }, reads, api, blobs, log }) {
    const { schema: accepted, previous } = lookedUp.parse(reads)
    const statistics = await inputs.statistics.json(datasetStatisticsSchema)
    const schema = accepted ?? (await inputs.schema.json(datasetSchema))
    if (accepted === null)
      log.warn(
        'the dataset has no accepted schema: the data is held against the one inferred from itself. Review and accept one (PUT /v1/datasets/…/schema).',
      )
    const before =
      previous === null
        ? undefined
        : datasetStatisticsSchema.parse(
            await (await api('artifacts.content', { params: { artifact: previous.artifact as ArtifactId } })).json(),
          )
    const report =
      before === undefined
        ? validateStatistics(statistics, schema, { environment })
        : validateStatistics(statistics, watched(schema, drift, statistics, before), { environment, previous: before })
    const { anomalies, comparisons, tests } = report
    const stops = ({ severity, name }: Anomaly): boolean => severity === 'error' && (stopOnDrift || !name.startsWith('COMPARATOR_'))
    const errors = anomalies.filter(stops)
    for (const anomaly of anomalies) log[stops(anomaly) ? 'error' : 'warn'](anomaly.description)
    const outputs = {
      anomalies: await blobs.json(
        { anomalies, comparisons, tests, schema: accepted === null ? 'inferred' : 'accepted', previousRun: previous?.run ?? null },
        {
          properties: {
            errors: errors.length,
            warnings: anomalies.length - errors.length,
            comparisons: comparisons.length,
            changes: tests.filter(({ changed }) => changed).length,
            schema: accepted === null ? 'inferred' : 'accepted',
          },
        },
      ),
    }
    if (errors.length === 0) return { outputs }
    const issues = errors.map(({ feature, name, description }) => ({ where: feature ?? 'the data set', what: `${name}: ${description}` }))
    return {
      outputs,
      refused: {
        code: 'schema_anomaly',
        detail: errors
          .map(({ description }) => description)
          .join('; ')
          .slice(0, 4000),
        issues,
      },
    }
  },
})
