import * as z from 'zod'
import type { Slug } from '../../../shared/core/ids.ts'
import { rolloutPolicy } from '../../../shared/contract/rollouts.ts'
import { defineComponent } from '../component.ts'

const params = z.strictObject({
  model: z.string(),
  alias: z.string().default('stable'),
  mode: z.enum(['canary', 'ab', 'shadow']).default('canary'),
  /** How the candidate reaches the fleet; the server's own policy when null. */
  rollout: z.nullable(z.optional(rolloutPolicy)).default(null),
})

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
    const reason = `run ${run}: accuracy ${(candidate['accuracy'] ?? 0).toFixed(4)} on the test set`
    const params = { model: model as Slug, alias: alias as Slug }
    const { aliases } = await api('models.get', { params: { model: params.model } })
    const stable = aliases[alias]
    if (stable === undefined || stable === version) {
      if (stable === undefined) await api('aliases.set', { params, body: { version, reason, expected: null } }, { signal })
      log.info(`${model}@${alias} is version ${version}`)
      const properties = { model, alias, version, rollout: null }
      return { outputs: { release: await blobs.json(properties, { properties }) } }
    }
    const policy = rollout ?? undefined
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
