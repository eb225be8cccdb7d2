import type { Sha256 } from '../../shared/core/digest.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import type { ModelInput } from '../../shared/worker/inference-api.ts'

export type RecentAnswer = {
  readonly digest: Sha256
  readonly manifest: Manifest
  /** Index among the labels; -1 without labels. */
  readonly predicted: number
  readonly confidence: number
  /** What a version without labels answered, where that is one number. */
  readonly number: number | undefined
  readonly at: number
  /** For sharing and training only, and only of the latest answers. */
  input: ModelInput | undefined
  judged: boolean
}

const MAX_ANSWERS = 500
const MAX_INPUTS = 50

/** The answers that feedback may still speak of. In memory: what a person drew is not written anywhere unless they agreed to share it or to learn from it. */
export function recentAnswers() {
  const answers = new Map<string, RecentAnswer>()
  return {
    add(id: string, answer: RecentAnswer): void {
      answers.set(id, answer)
      const ids = [...answers.keys()]
      if (ids.length > MAX_ANSWERS && ids[0] !== undefined) answers.delete(ids[0])
      const bare = answers.get(ids.at(-1 - MAX_INPUTS) ?? '')
      if (bare) bare.input = undefined
    },
    get: (id: string): RecentAnswer | undefined => answers.get(id),
  }
}
