import { join } from 'node:path'
import { showProgress } from '../pipeline/progress-bar.ts'
import type { Services } from '../services.ts'
import { type BootstrapOptions, bootstrapDigits } from './bootstrap.ts'
import { bootstrapFlights } from './bootstrap-flights.ts'
import { digits } from './digits.ts'

export type DemoOptions = {
  readonly services: Services
  readonly dataFolder: string
  /** Less data and weaker models, for trying things out. */
  readonly small: boolean
  readonly url: string
  readonly output: NodeJS.WriteStream
}

const ENDED = new Set(['succeeded', 'cached'])

/** Brings about the digits demo where it is not there yet, and shows its training in the terminal. Resolves when the run has ended. */
export async function prepareDemo({ services, dataFolder, small, url, output }: DemoOptions): Promise<void> {
  const { datasets, pipelines, registry, access, events } = services
  const say = (line: string): void => void output.write(`${line}\n`)
  const makers: Pick<BootstrapOptions, 'createApp' | 'createModel'> = {
    createApp: (app, models) => access.createApp({ app, models }),
    createModel: (name, description) => registry.createModel({ name, description }),
  }
  await bootstrapFlights({ datasets, ...makers })
  const run = await bootstrapDigits({
    datasets,
    pipelines,
    ...makers,
    folder: join(dataFolder, 'work'),
    params: small ? { small: true, leastAccuracy: 0.9 } : {},
  })
  if (run === undefined) return
  say(`\nTraining the digits demo on real handwriting (${small ? 'a small part of ' : ''}MNIST), run ${run.id}:`)
  const { steps } = await pipelines.run(run.id)
  const done = steps.filter(({ state }) => ENDED.has(state)).map(({ name }) => name)
  const state = await showProgress({ events, run: run.id, steps: Object.keys(digits.steps), done, output })
  const detail = await pipelines.run(run.id)
  if (state !== 'succeeded') {
    say(`The run ${state}${detail.error === null ? '' : ` in step ${detail.error.step}: ${detail.error.detail}`}`)
    say(`See ${url}/console, or: npx shoal runs show ${run.id}`)
    return
  }
  const accuracy = detail.metrics['accuracy']
  say(`The model is live${accuracy === undefined ? '' : ` (accuracy ${accuracy.toFixed(4)} on the test images)`}: draw at ${url}/`)
}
