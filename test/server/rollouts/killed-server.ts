import { seededRandom } from '../../../shared/core/random.ts'
import { rolloutPolicy } from '../../../shared/contract/rollouts.ts'
import { createWorld, MODEL, minute, newDevice, newEpoch, STABLE } from '../monitoring/world.ts'
import { outcomeOf } from './fleet.ts'

/**
 * A server that takes reports of a rollout of a broken version until it is killed. Prints each report after it was acknowledged; the parent test kills
 * the process without warning and looks at what is left.
 */
const [dataFolder = '', seed = '1'] = process.argv.slice(2)
const one = await createWorld({ dataFolder, seed: Number(seed) })
const random = seededRandom(Number(seed))
if (one.manifests.size === 1) await one.addVersion()
if ((await one.rollouts.list({})).length === 0) {
  const policy = rolloutPolicy.parse({ stages: [{ share: 0.4, minDevices: 5 }], alpha: 1e-9 })
  await one.rollouts.start(
    { model: MODEL, alias: STABLE, candidate: 2, mode: 'canary', policy, reason: 'r' },
    { kind: 'system', name: 'test' },
  )
}
process.stdout.write('ready\n')
for (;;) {
  const device = newDevice(random)
  const said = await outcomeOf(one, random, device, { candidate: 0.9, stable: 0.1 })
  const report = {
    ...one.report({ random, epoch: newEpoch(random), window: minute(one.clock.now()), predictions: 2 }),
    firstWindow: said?.firstWindow ?? null,
  }
  const { accepted } = await one.monitoring.ingest(device, [report])
  if (accepted !== 1 || one.failures.length > 0) throw new Error(`not accepted: ${String(one.failures[0])}`)
  process.stdout.write(`${JSON.stringify({ device, report })}\n`)
}
