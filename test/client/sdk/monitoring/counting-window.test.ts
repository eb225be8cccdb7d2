import { expect, test } from 'vitest'
import { startWindow } from '../../../../client/sdk/monitoring/counting-window.ts'
import type { Sha256 } from '../../../../shared/core/digest.ts'
import type { Manifest } from '../../../../shared/trust/manifest.ts'
import { draftFixture } from '../../../fixtures/manifest-draft.ts'

test('[DEV-26] a record that is being stored stays as it is while counting goes on', async () => {
  const { draft } = await draftFixture()
  const window = startWindow({ ...draft, model: 'tiny', version: 1 } as unknown as Manifest, 'a'.repeat(64) as Sha256, 0)
  const count = (right: boolean) => {
    window.answer({ predicted: 1, prediction: 'yes', confidence: 0.7, observed: {}, ms: 3, backend: 'wasm' })
    window.feedback(1, 0.7, right)
    window.error('worker_died')
  }
  count(true)
  const first = window.record()
  const kept = structuredClone(first)
  count(false)
  const second = window.record()
  expect(first).toEqual(kept)
  count(true)
  expect(first).toEqual(kept)
  expect(second).toMatchObject({ predictions: 2, errors: { worker_died: 2 }, outcomes: { right: [0, 1], wrong: [0, 1] } })
  expect(second.counters['prediction']).toMatchObject({ n: 2 })
})
