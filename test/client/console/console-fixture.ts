import { must } from '../../../shared/core/assert.ts'
import { utf8 } from '../../../shared/core/bytes.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Handlers } from '../../../server/http/register.ts'
import { contents } from './console-fixture-contents.ts'
import * as data from './console-fixture-data.ts'

const { models, versions, runs, pipelines, logs, windows, evidence, datasets, rounds } = data

const found = <T>(value: T | undefined): T => {
  if (value === undefined) throw new AppError('not_found', 'not in the fixture')
  return value
}

/** Answers for every page of the console, with the mutations that its buttons make. `empty` has nothing of anything. */
export function consoleFixture({ empty = false } = {}): Handlers {
  let history = data.history
  let rollouts = data.rollouts
  let alerts = data.alerts
  let schemas = data.schemas
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
    'runs.resume': async () => found(runs[0]),
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
