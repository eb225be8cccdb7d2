import { systemClock } from '../../shared/core/clock.ts'
import type { Fetch } from '../../shared/contract/client.ts'
import { createFleet } from '../simulator/fleet.ts'
import type { LoopDevice } from './loop-device.ts'

export type SimulatedFleet = { readonly devices: readonly LoopDevice[]; close(): Promise<void> }

/** Many devices in this process: the same SDK core that the browsers run, over real HTTP. */
export async function openSimulatedFleet(options: {
  url: string
  app: string
  model: string
  count: number
  seed: number
  fetch: Fetch
  statistics: boolean
}): Promise<SimulatedFleet> {
  const { url, app, model: name, count, seed, fetch } = options
  const fleet = await createFleet({
    fetch,
    url,
    app,
    count,
    seed,
    clock: systemClock,
    retries: 3,
    consent: { statistics: options.statistics, sharing: options.statistics },
  })
  const devices = await fleet.each(async ({ number, shoal }): Promise<LoopDevice> => {
    const model = await shoal.load(name)
    const refused: number[] = []
    model.on('refused', ({ version }) => refused.push(version))
    return {
      name: `simulated ${number}`,
      refused,
      see: async (images, { feedback, share }) => {
        const seen = []
        for (const { pixels, label } of images) {
          const answer = await model.predict(pixels)
          if (feedback) await model.feedback(answer.id, label, { share })
          seen.push({ right: answer.label === label, version: answer.version, backend: answer.backend })
        }
        return seen
      },
      version: async () => model.version,
      update: async () => void (await model.checkForUpdate()),
      flush: () => shoal.flush(),
    }
  })
  return { devices, close: () => fleet.dispose() }
}
