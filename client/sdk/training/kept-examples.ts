import * as z from 'zod/mini'
import { whyUntrainable } from '../../../shared/trust/trainable.ts'
import { fromBase64 } from '../../../shared/core/bytes.ts'
import type { ModelInput } from '../../../shared/worker/inference-api.ts'
import type { LabelledInput } from '../../../shared/worker/training-api.ts'
import type { Locks } from '../locks.ts'
import type { RecentAnswer } from '../recent-answers.ts'
import { sharedExampleOf } from '../shared-example.ts'
import type { DeviceStorage } from '../storage/device-storage.ts'

/** What a model may take of this device's storage for examples: as many as a plan usually asks for, and no more than 8 MB. */
const MAX_EXAMPLES = 500
const MAX_CHARACTERS = 8 * 1024 * 1024

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()])
const keptInput = z.union([
  z.object({ /** base64 of an image's bytes. */ bytes: z.string() }),
  z.object({ values: z.array(z.number()) }),
  z.object({ row: z.record(z.string(), cell) }),
])
const keptExample = z.object({ label: z.string(), at: z.number(), input: keptInput })
/** By model: how many examples were ever written, and the number of slots in use. */
const counts = z.record(z.string(), z.object({ written: z.number(), slots: z.number() }))

const SETTING = 'training examples'
const LOCK = 'shoal:training-examples'
const slotSetting = (model: string, slot: number): string => `${SETTING} ${model} ${slot}`

export type KeptExamples = {
  /** Keeps the input of an answer under its right label; the oldest makes way. False where the input is not known any more, or has no form that can be kept. */
  keep(model: string, id: string, answer: RecentAnswer, label: string): Promise<boolean>
  read(model: string): Promise<LabelledInput[]>
  count(model: string): Promise<number>
  /** Deletes the examples of all models. */
  discard(): Promise<void>
}

function inputOf(id: string, answer: RecentAnswer, label: string): z.infer<typeof keptInput> | undefined {
  const { input, manifest } = answer
  // what cannot be trained learns from no example
  if (input === undefined || whyUntrainable(manifest) !== undefined) return undefined
  if (manifest.monitors === 'image') {
    const image = sharedExampleOf(id, answer, label)
    return image && { bytes: image.data }
  }
  if (Array.isArray(input) || ArrayBuffer.isView(input)) return { values: Array.from(input as ArrayLike<number>) }
  return { row: input as Record<string, z.infer<typeof cell>> }
}

function modelInput(kept: z.infer<typeof keptInput>): ModelInput {
  if ('bytes' in kept) return fromBase64(kept.bytes)
  return 'values' in kept ? kept.values : kept.row
}

/** The labelled examples that a device learns from: a ring of slots for each model, in the device's storage, which never leaves it. */
export function keptExamples({ storage, locks }: { storage: DeviceStorage; locks: Locks }): KeptExamples {
  const all = async () => {
    const parsed = counts.safeParse(await storage.setting(SETTING))
    return parsed.success ? parsed.data : {}
  }
  return {
    async keep(model, id, answer, label) {
      const input = inputOf(id, answer, label)
      if (input === undefined) return false
      const size = JSON.stringify(input).length
      const capacity = Math.min(MAX_EXAMPLES, Math.floor(MAX_CHARACTERS / size))
      if (capacity === 0) return false
      // under a lock: what was discarded meanwhile must not leave one behind
      await locks.hold(LOCK, async () => {
        const known = await all()
        const { written, slots } = known[model] ?? { written: 0, slots: 0 }
        const slot = written % capacity
        // the slot is counted before it is filled, so that it is found by whoever deletes
        await storage.updateSetting(SETTING, () => ({ ...known, [model]: { written: written + 1, slots: Math.max(slots, slot + 1) } }))
        await storage.updateSetting(slotSetting(model, slot), () => ({ label, at: answer.at, input }))
      })
      return true
    },
    async read(model) {
      const { slots } = (await all())[model] ?? { slots: 0 }
      const examples: LabelledInput[] = []
      for (let slot = 0; slot < slots; slot++) {
        const parsed = keptExample.safeParse(await storage.setting(slotSetting(model, slot)))
        if (parsed.success) examples.push({ label: parsed.data.label, input: modelInput(parsed.data.input) })
      }
      return examples
    },
    count: async (model) => (await all())[model]?.slots ?? 0,
    discard: () =>
      locks.hold(LOCK, async () => {
        for (const [model, { slots }] of Object.entries(await all()))
          for (let slot = 0; slot < slots; slot++) await storage.updateSetting(slotSetting(model, slot), () => undefined)
        await storage.updateSetting(SETTING, () => undefined)
      }),
  }
}
