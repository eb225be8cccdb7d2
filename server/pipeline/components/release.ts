import * as z from 'zod'
import type { Slug } from '../../../shared/core/ids.ts'
import { rolloutPolicy } from '../../../shared/contract/rollouts.ts'
import { defineComponent } from '../component.ts'
import { mainFigure } from '../data/metrics-document.ts'

const params = z.strictObject({
  model: z.string(),
  alias: z.string().default('stable'),
  /** `direct` lets everybody have it at once: where no devices could tell a bad version in time, as with models that are only asked over HTTP. */
  mode: z.enum(['canary', 'ab', 'shadow', 'direct']).default('canary'),
  /** How the candidate reaches the fleet; the server's own policy when null. */
  rollout: z.nullable(z.optional(rolloutPolicy)).default(null),
})

const TASKS = ['classification', 'regression', 'ranking'] as const

const registered = z.object({ model: z.string(), version: z.int() })
const blessing = z.object({ blessed: z.literal(true), candidate: z.record(z.string(), z.number()) })

/** Lets a blessed version out: the first one to everybody, later ones to a share of the devices first. */
export const release = defineComponent({
  name: 'release',
  version: '1',
  module: import.meta.url,
  inputs: { version: 'version', blessing: 'blessing' },
  outputs: { release: 'release' },
  params,
  cache: 'never',
  async run({ run, inputs, params: { model, alias, mode, rollout }, idempotencyKey, api, signal, blobs, log }) {
    const { version } = await inputs.version.json(registered)
    const { candidate } = await inputs.blessing.json(blessing)
    const main = TASKS.map((task) => mainFigure(task).name).find((name) => candidate[name] !== undefined)
    const reason = `run ${run}${main === undefined ? '' : `: ${main} ${candidate[main]?.toFixed(4)} on the test set`}`
    const params = { model: model as Slug, alias: alias as Slug }
    const { aliases } = await api('models.get', { params: { model: params.model } })
    const stable = aliases[alias]
    if (stable === undefined || stable === version || mode === 'direct') {
      if (stable !== version) await api('aliases.set', { params, body: { version, reason, expected: stable ?? null } }, { signal })
      log.info(`${model}@${alias} is version ${version}`)
      const properties = { model, alias, version, rollout: null }
      return { outputs: { release: await blobs.json(properties, { properties }) } }
    }
    const policy = rollout ?? undefined
    const { items } = await api('rollouts.list', { query: { model: params.model } })
    const other = items.find((one) => one.alias === alias && one.state === 'running' && one.candidate !== version)
    if (other !== undefined) {
      // no breakdown: the version is there, and the run goes on when it is resumed
      const detail = `rollout ${other.id} of version ${other.candidate} is under way: version ${version} is registered and waits. Promote the other or roll it back, then resume this run`
      const properties = { model, alias, version, rollout: null }
      return { outputs: { release: await blobs.json(properties, { properties }) }, refused: { code: 'conflict', detail } }
    }
    const started = await api(
      'rollouts.start',
      {
        params: { model: params.model },
        body: { candidate: version, alias: params.alias, mode, reason, ...(policy === undefined ? {} : { policy }) },
      },
      { idempotencyKey, signal },
    )
    log.info(
      `rollout ${started.id}: version ${version} beside version ${started.stable}, first to ${Math.round(100 * started.share)} % of the devices`,
    )
    const properties = { model, alias, version, rollout: started.id }
    return { outputs: { release: await blobs.json(properties, { properties }) } }
  },
})
