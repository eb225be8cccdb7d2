import type { DatasetSummary } from '../../shared/contract/datasets.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Slug } from '../../shared/core/ids.ts'
import { validateStatistics, type ValidationReport } from '../../shared/data/anomalies.ts'
import type { AnomalyName } from '../../shared/data/anomaly.ts'
import type { DatasetSchema } from '../../shared/data/schema.ts'
import type { EventBus, ServerEvent } from '../events.ts'
import type { RaisedAlert } from '../monitoring/alert-service.ts'
import type { SpanStatistics } from './span-statistics.ts'

export type ValueSkewOptions = {
  readonly events: EventBus
  readonly dataset: (name: Slug) => Promise<DatasetSummary>
  readonly statistics: SpanStatistics
  readonly raise: (alert: RaisedAlert) => Promise<unknown>
  readonly onError: (thrown: unknown) => void
}

/** What says that values have changed, and not that they are wrong. */
const CHANGES: ReadonlySet<AnomalyName> = new Set<AnomalyName>([
  'COMPARATOR_L_INFTY_HIGH',
  'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH',
  'COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH',
  'COMPARATOR_SIGNIFICANT_CHANGE',
])

/** Only what compares spans: whether the data fits is for the runs to say. */
const comparing = (schema: DatasetSchema): DatasetSchema => ({
  ...schema,
  features: schema.features.filter(({ drift }) => drift !== undefined),
})

/**
 * Looks at each span that arrives: where its values have moved away from the span before by more than the accepted schema's drift comparators allow, people are told and
 * `data.verdict` is published, which the drift trigger of pipelines over the dataset takes as a reason to retrain. Nothing stops.
 */
export function watchValueSkew({ events, dataset: get, statistics, raise, onError }: ValueSkewOptions) {
  let queue: Promise<void> = Promise.resolve()
  let closed = false

  async function look(name: Slug, number: number): Promise<void> {
    const { schema, spans } = await get(name)
    const at = spans.findIndex(({ span }) => span === number)
    const [before, now] = [spans[at - 1], spans[at]]
    if (schema === null || before === undefined || now === undefined) return
    const watched = comparing(schema)
    if (watched.features.length === 0) return
    const report = validateStatistics(await statistics(now), watched, { previous: await statistics(before) })
    const changed = report.anomalies.filter((anomaly) => CHANGES.has(anomaly.name))
    const features = [...new Set(changed.map(({ feature }) => feature).filter((feature) => feature !== null))]
    if (features.length === 0) return
    const detail = changed.map(({ description }) => description).join('; ')
    await raise({
      kind: 'drift',
      severity: 'warning',
      subject: name,
      title: `${name} span ${number}: values have changed (${features.join(', ')})`,
      detail,
      evidence: { dataset: name, span: number, previous: before.span, ...evidenceOf(report) },
      cause: `value skew ${name} ${number}`,
    })
    events.publish({ type: 'data.verdict', subject: name, data: { dataset: name, span: number, features, detail: detail.slice(0, 2000) } })
  }

  const onEvent = ({ type, data }: ServerEvent): void => {
    if (type !== 'span.added' || closed) return
    const { dataset, span } = data as { dataset: Slug; span: number }
    queue = queue.then(() => (closed ? undefined : look(dataset, span))).catch(onError)
  }
  const unsubscribe = events.subscribe(onEvent)

  return {
    /** Resolves when every span that has arrived was looked at. */
    settled: (): Promise<void> => queue,
    async close(): Promise<void> {
      closed = true
      unsubscribe()
      await queue
    },
  }
}

const evidenceOf = ({ comparisons, tests }: ValidationReport): JsonObject =>
  ({ comparisons: comparisons.slice(0, 200), tests: tests.slice(0, 200) }) as unknown as JsonObject
