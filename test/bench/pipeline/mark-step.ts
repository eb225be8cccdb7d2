import * as z from 'zod'
import { defineComponent } from '../../../server/pipeline/component.ts'

/** Milliseconds of a clock that all threads of this machine share. */
export const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6

/** Does next to nothing, and says when its own work began and ended. */
export const mark = defineComponent({
  name: 'mark',
  version: '1',
  module: import.meta.url,
  inputs: { before: 'metrics?' },
  outputs: { out: 'metrics' },
  params: z.strictObject({ lot: z.number() }),
  run: async ({ params, blobs, step }) => {
    const entered = sharedNow()
    const made = await blobs.json({ lot: params.lot, step })
    return { outputs: { out: { ...made, properties: { entered, left: sharedNow() } } } }
  },
})
