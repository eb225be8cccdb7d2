import { must } from '../../../shared/core/assert.ts'
import { utf8 } from '../../../shared/core/bytes.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Handlers } from '../../../server/http/register.ts'
import { parseFilter } from '../../../server/metadata/run-filter.ts'
import { contents } from './console-fixture-contents.ts'
import * as data from './console-fixture-data.ts'
import { comparison, decisions, lineage, logs, maturity, rounds } from './console-fixture-metadata.ts'

const { models, versions, windows, evidence, datasets } = data

const found = <T>(value: T | undefined): T => {
  if (value === undefined) throw new AppError('not_found', 'not in the fixture')
  return value
}

/** Answers for every page of the console, with the mutations that its buttons make. `empty` has nothing of anything. */
export function consoleFixture({ empty = false } = {}): Handlers {
  let history = data.history
  let pipelines = data.pipelines
  let rollouts = data.rollouts
  let alerts = data.alerts
  let schemas = data.schemas
  let runs = data.runs
  const list = <T>(items: readonly T[]): T[] => (empty ? [] : [...items])
  return {
    'models.list': async () => ({ items: list(models) }),
    'models.get': async ({ params }) => {
      const model = found(models.find(({ name }) => name === params.model))
      return { ...model, aliases: model.name === 'digits' ? { ...model.aliases, stable: must(history[0], 'history').to } : {} }
    },
    'versions.list': async ({ params }) => ({ items: params.model === 'digits' ? versions : [] }),
    'aliases.history': async ({ params }) => ({ items: params.alias === 'stable' ? history : [] }),
    'aliases.set': async ({ params, body, actor }) => {
      const next = {
        alias: params.alias,
        from: must(history[0], 'history').to,
        to: body.version,
        at: Date.now(),
        by: actor.kind === 'key' ? actor.name : actor.kind,
        reason: body.reason,
      }
      history = [next, ...history]
      return next
    },
    'aliases.rollback': async () => {
      throw new AppError('conflict', 'there is no version before this one')
    },
    'monitoring.windows': async ({ params }) => ({ windows: params.model === 'digits' ? list(windows) : [], current: null }),
    'pipelines.list': async () => ({ items: list(pipelines) }),
    'pipelines.get': async ({ params }) => found(pipelines.find(({ name }) => name === params.pipeline)),
    'pipelines.maturity': async () => maturity,
    'pipelines.decisions': async () => ({ items: list(decisions), next: null }),
    'triggers.set': async ({ params, body }) => {
      const trigger = { kind: params.kind, enabled: body.enabled, settings: body.settings ?? {}, lastFired: null }
      pipelines = pipelines.map((one) => ({
        ...one,
        triggers: [...one.triggers.filter(({ kind }) => kind !== params.kind), trigger] as never,
      }))
      return trigger
    },
    'triggers.test': async ({ body }) => {
      if (body.settings?.['cron'] === 'often')
        throw new AppError('invalid_input', 'the schedule "often" in time zone UTC cannot be read', {
          issues: [{ where: 'settings.cron', what: 'is no schedule' }],
        })
      return {
        fires: false,
        code: 'not-due',
        why: 'not due: the next time is tomorrow',
        dedupeKey: null,
        next: [Date.now() + 86_400_000],
        facts: {},
      }
    },
    'runs.values': async ({ params }) => ({
      run: found(runs.find((one) => one.id === params.run)),
      metrics: empty ? {} : { loss: 0.1, accuracy: 0.9887 },
      params: {},
      tags: {},
    }),
    'runs.search': async ({ query: { filter = '' } }) => {
      // the real reader, so that what it says of a filter is what the page has to show
      const asked = parseFilter(filter)
      const items = list(runs)
        .filter((one) => asked.every(({ field, values }) => field.kind !== 'attribute' || values.includes(one.state)))
        .map((run) => ({ run, metrics: { loss: 0.1, accuracy: 0.9887 }, params: {}, tags: {} }))
      return { items, next: null }
    },
    'runs.replay': async () => found(runs[0]),
    'runs.compare': async () => {
      const { a, b, ...rest } = comparison
      return { ...rest, a: found(a), b: found(b) }
    },
    'runs.metric': async ({ params }) => ({
      items: params.metric === 'loss' ? [0.4, 0.2, 0.1].map((value, i) => ({ step: i + 1, at: 1, value })) : [],
      next: null,
    }),
    'artifacts.get': async ({ params }) => found(lineage.artifacts.find((one) => one.id === params.artifact)),
    'artifacts.lineage': async ({ params, query }) => {
      found(lineage.artifacts.find((one) => one.id === params.artifact))
      return query.direction === 'up'
        ? lineage
        : { artifacts: lineage.artifacts.filter((one) => one.id === params.artifact), executions: [], events: [] }
    },
    'runs.list': async ({ query }) => ({
      items: list(runs).filter((one) => query.state === undefined || one.state === query.state),
      next: null,
    }),
    'runs.get': async ({ params }) => {
      const one = runs.find((candidate) => candidate.id === params.run)
      if (one === undefined) throw new AppError('unknown_run', `there is no run ${params.run}`)
      return one
    },
    'runs.logs': async ({ query }) => ({ items: logs.filter((line) => query.step === undefined || line.step === query.step), next: null }),
    'runs.start': async () => found(runs[0]),
    'runs.cancel': async () => found(runs[0]),
    'runs.resume': async ({ params }) => {
      runs = runs.map((one) => (one.id === params.run ? { ...one, state: 'queued' as const, error: null } : one))
      return found(runs.find((one) => one.id === params.run))
    },
    'artifacts.content': async ({ params }) =>
      new Response(utf8(JSON.stringify(contents[params.artifact] ?? { note: 'nothing more' })), {
        headers: { 'content-type': 'application/json' },
      }),
    'rollouts.list': async ({ query }) => ({
      items: list(rollouts).filter((one) => query.model === undefined || one.model === query.model),
    }),
    'rollouts.get': async ({ params }) => ({ rollout: found(rollouts.find((one) => one.id === params.rollout)), history: evidence }),
    'rollouts.promote': async ({ params, body, actor }) => {
      rollouts = rollouts.map((one) =>
        one.id === params.rollout
          ? {
              ...one,
              state: 'promoted',
              ended: Date.now(),
              decision: { by: actor.kind === 'key' ? actor.name : actor.kind, reason: body.reason },
            }
          : one,
      )
      return found(rollouts.find((one) => one.id === params.rollout))
    },
    'rollouts.rollback': async ({ params }) => found(rollouts.find((one) => one.id === params.rollout)),
    'datasets.list': async () => ({ items: list(datasets) }),
    'schemas.list': async () => ({ items: list(schemas) }),
    'schemas.accept': async ({ params, body, actor }) => {
      const decided = { at: Date.now(), by: actor.kind === 'key' ? actor.name : actor.kind, reason: body.reason }
      schemas = schemas.map((one) =>
        one.version === params.version ? { ...one, state: 'accepted', decided } : { ...one, state: 'superseded' },
      )
      return found(schemas[0])
    },
    'alerts.list': async ({ query }) => ({
      items: list(alerts).filter((one) => query.kind === undefined || one.kind === query.kind),
      next: null,
    }),
    'alerts.acknowledge': async ({ params, actor }) => {
      alerts = alerts.map((one) =>
        one.id === params.alert ? { ...one, acknowledged: { at: Date.now(), by: actor.kind === 'key' ? actor.name : actor.kind } } : one,
      )
      return found(alerts.find((one) => one.id === params.alert))
    },
    'rounds.list': async () => ({ items: list(rounds) }),
  }
}
