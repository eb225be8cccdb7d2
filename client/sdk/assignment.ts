import type { Sha256 } from '../../shared/core/digest.ts'
import { cohortPosition } from '../../shared/trust/cohort.ts'
import type { ReleaseDocument } from '../../shared/trust/release.ts'
import type { DeviceOutcome } from '../../shared/stats/report.ts'
import type { ModelState, Quarantined } from './storage/model-state.ts'

export type VersionRef = { readonly version: number; readonly manifest: Sha256 }

/** What a release asks this device to run. */
export type Assignment = {
  /** In the order to try: what the release names first, then what it falls back to. Nothing revoked or quarantined is among them. */
  readonly wanted: readonly (VersionRef & { readonly role: string })[]
  /** Which side of the running rollout this device is on, whether or not it manages to run that version. */
  readonly trial: {
    readonly rollout: DeviceOutcome['rollout']
    readonly arm: DeviceOutcome['arm']
    readonly stage: number
    readonly version: VersionRef
    readonly firstWindow: number
  } | null
}

/** Whether a version may not be tried: it failed here in this role, or in this very release. */
export const isQuarantined = (quarantine: readonly Quarantined[], manifest: Sha256, role: string, sequence: number): boolean =>
  quarantine.some((entry) => entry.manifest === manifest && (entry.role === role || entry.sequence >= sequence))

/**
 * Which version this device runs under a release: the candidate when `hash(salt, deviceId) < share`, else the stable one. Computed here alone, so the
 * release is the same document for every device and no server knows who is in a cohort. A shadow rollout changes nothing about what answers.
 */
export async function assign(release: ReleaseDocument, state: Pick<ModelState, 'quarantine'>, deviceId: string): Promise<Assignment> {
  const { rollout, stable, revoked, sequence } = release
  const wanted: (VersionRef & { role: string })[] = []
  const add = (ref: VersionRef, role: string) => {
    if (!revoked.includes(ref.version) && !isQuarantined(state.quarantine, ref.manifest, role, sequence)) wanted.push({ ...ref, role })
  }
  let trial: Assignment['trial'] = null
  if (rollout !== null && rollout.mode !== 'shadow' && !revoked.includes(rollout.candidate.version)) {
    const arm = (await cohortPosition(rollout.salt, deviceId)) < rollout.share ? 'candidate' : 'stable'
    if (arm === 'candidate') add(rollout.candidate, rollout.id)
    trial = {
      rollout: rollout.id,
      arm,
      stage: rollout.stage,
      version: arm === 'candidate' ? rollout.candidate : stable,
      firstWindow: rollout.firstWindow,
    }
  }
  add(stable, 'stable')
  return { wanted, trial }
}
