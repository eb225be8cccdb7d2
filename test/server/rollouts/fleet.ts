import type { DeviceId } from '../../../shared/core/ids.ts'
import type { Random } from '../../../shared/core/random.ts'
import type { Report } from '../../../shared/stats/report.ts'
import { inCohort } from '../../../shared/trust/cohort.ts'
import { MODEL, minute, newDevice, newEpoch, STABLE, type World } from '../monitoring/world.ts'

/** Probability of a bad first window, and of leaving the version by itself, by arm. */
export type Behaviour = {
  readonly candidate: number
  readonly stable: number
  readonly candidateLeaves?: number
  readonly silentCandidate?: boolean
}

/** A report with nothing but what a rollout needs. */
export function bareReport(one: World, random: Random, of: Partial<Report>): Report {
  const version = of.version ?? 1
  return {
    epoch: newEpoch(random),
    window: minute(one.clock.now()),
    sequence: 0,
    model: MODEL,
    version,
    manifest: one.manifests.get(version) ?? ('' as never),
    predictions: 0,
    counters: {},
    calibration: null,
    latency: null,
    outcomes: null,
    firstWindow: null,
    errors: {},
    selfRollbacks: [],
    backend: null,
    dropped: 0,
    ...of,
  }
}

/** What a device that has run its first window says, as its SDK would: it reads the release document and finds its own arm. */
export async function outcomeOf(one: World, random: Random, device: DeviceId, behaviour: Behaviour): Promise<Report | null> {
  const document = (await one.server.services.releases.current(MODEL, STABLE))?.document
  if (!document?.rollout) return null
  const { id, salt, share, candidate, stage } = document.rollout
  const arm = (await inCohort(salt, device, share)) ? 'candidate' : 'stable'
  const bad = random.uniform() < behaviour[arm]
  if (arm === 'candidate' && behaviour.silentCandidate) return null
  if (arm === 'candidate' && random.uniform() < (behaviour.candidateLeaves ?? 0)) {
    return bareReport(one, random, {
      version: document.stable.version,
      selfRollbacks: [{ version: candidate.version, code: 'self_test_failed', to: document.stable.version }],
    })
  }
  return bareReport(one, random, {
    version: arm === 'candidate' ? candidate.version : document.stable.version,
    firstWindow: { rollout: id, stage, arm, bad },
  })
}

/** New devices report one after the other until the rollout is over; gives back how many it took. */
export async function runFleet(one: World, random: Random, devices: number, behaviour: Behaviour): Promise<number> {
  for (let i = 0; i < devices; i++) {
    const device = newDevice(random)
    const report = await outcomeOf(one, random, device, behaviour)
    if (report !== null) await one.monitoring.ingest(device, [report])
    else if (!(await one.server.services.releases.current(MODEL, STABLE))?.document.rollout) return i
  }
  return devices
}
