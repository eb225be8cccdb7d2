import type { Clock } from '../../shared/core/clock.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import { storedOf } from '../metadata/run-value.ts'
import { addMetricName, addPoint, runValuesStore } from '../metadata/run-values-store.ts'
import { latestOf } from '../metadata/tracking-service.ts'
import type { Statement } from '../storage/statements.ts'
import type { Db } from '../storage/database.ts'
import type { StepPoint } from './step-protocol.ts'

/** Points are written together, at most so often, in milliseconds. */
const FLUSH_EVERY = 250
/** Points that are written one by one beside a step's end. */
const MAX_BESIDE = 100

/** What a step measures, on its way into the run's record. */
export type MetricLog = {
  /** runs.seq. */
  readonly run: number
  add(points: readonly StepPoint[]): void
  /** Resolves when nothing is being written, and few points wait. */
  settled(): Promise<void>
  /** What waits, and these, to be written as part of a batch. Await settled() before it. */
  taken(more: readonly StepPoint[]): Statement[]
}

export function openMetricLog({
  db,
  clock,
  run,
  step: maker,
}: {
  readonly db: Db
  readonly clock: Clock
  readonly run: number
  readonly step: string
}): MetricLog {
  let waiting: StepPoint[] = []
  let scheduled = false
  let writing: Promise<void> = Promise.resolve()

  async function write(tx: Db, points: readonly StepPoint[]): Promise<void> {
    const store = runValuesStore(tx)
    const names = await store.nameNumbers('metric', [...new Set(points.map(({ name }) => name))])
    const numbers = new Map(names.map(({ id, name }) => [name, id]))
    const stored = points.flatMap(({ name, value, step, at }) => {
      const number = numbers.get(name)
      return number === undefined ? [] : [{ name: number, value: storedOf(value), step, at }]
    })
    await store.addPoints(run, stored)
    await store.setLatest(run, latestOf(stored), maker)
  }

  const takeAll = (): StepPoint[] => {
    const points = waiting
    waiting = []
    return points
  }

  const flush = (): Promise<void> => {
    const due = takeAll()
    if (due.length > 0)
      writing = writing
        .then(() => db.transaction().execute((tx) => write(tx, due)))
        // told again with the step's end
        .catch(() => void waiting.unshift(...due))
    return writing
  }

  return {
    run,
    add: (points) => {
      waiting.push(...points)
      if (scheduled || points.length === 0) return
      scheduled = true
      void clock.sleep(FLUSH_EVERY).then(() => {
        scheduled = false
        return flush()
      })
    },
    settled: () => (waiting.length > MAX_BESIDE ? flush() : writing),
    taken: (more) => {
      const points = [...takeAll(), ...more]
      const names = [...new Set(points.map(({ name }) => name))]
      return [...names.map(addMetricName), ...points.flatMap((point) => addPoint(run, maker, { ...point, value: storedOf(point.value) }))]
    },
  }
}

/** The figures that stand beside an artifact, as metrics of its run: what was measured on the test split, and how training went. */
export const figuresOf = ({ type, properties }: { readonly type: string; readonly properties: JsonObject }, at: number): StepPoint[] =>
  type !== 'metrics' && type !== 'history'
    ? []
    : Object.entries(properties).flatMap(([name, value]) =>
        typeof value === 'number' ? [{ name: name.slice(0, 250), value, step: 0, at }] : [],
      )
