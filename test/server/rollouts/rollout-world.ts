import { afterEach, expect } from 'vitest'
import { type Rollout, rolloutPolicy } from '../../../shared/contract/rollouts.ts'
import { must } from '../../../shared/core/assert.ts'
import type { RolloutId } from '../../../shared/core/ids.ts'
import { createWorld, MODEL, STABLE, type World, type WorldOptions } from '../monitoring/world.ts'

const worlds: World[] = []

/** A server with two versions of the model, the first of them stable; closed after the test, which must have left no failure in the background. */
export const world = async (options: WorldOptions = {}): Promise<World> => {
  const made = await createWorld(options)
  worlds.push(made)
  await made.addVersion()
  return made
}
afterEach(async () => {
  for (const one of worlds.splice(0)) {
    expect(one.failures).toEqual([])
    await one.close()
  }
})

export const ACTOR = { kind: 'system', name: 'test' } as const
export const start = (one: World, policy: Partial<Rollout['policy']> = {}, candidate = 2): Promise<Rollout> =>
  one.rollouts.start(
    { model: MODEL, alias: STABLE, candidate, mode: 'canary', policy: rolloutPolicy.parse(policy), reason: 'better' },
    ACTOR,
  )
export const documentOf = async (one: World) => must(await one.server.services.releases.current(MODEL, STABLE), 'a release').document
export const rolloutOf = async (one: World, id: RolloutId) => (await one.rollouts.get(id)).rollout
