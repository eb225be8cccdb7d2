import * as z from 'zod'
import type { Topology } from '../../../shared/compute/model.ts'
import type { EpochRecord } from '../../../shared/compute/train.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { toAppError } from '../../../shared/core/errors.ts'
import { defineComponent } from '../component.ts'
import { preparation } from '../data/example-form.ts'
import { keepTraining, keptTraining, reachedBy } from '../data/kept-training.ts'
import { fetchVersion, findLive, liveVersion } from '../data/live-version.ts'
import { encodeModel, type ModelFile } from '../data/model-file.ts'
import { type Recipe, recipe } from '../data/recipe.ts'
import { topologyOf } from '../data/recipe-network.ts'
import { loadSplit } from '../data/split-examples.ts'
import { startStepBackend } from '../data/step-backend.ts'
import { trainByRecipe } from '../data/train-recipe.ts'
import { trials, tunedRecipe } from '../data/trials.ts'
import { cannotGoOn } from '../data/warm-start.ts'

const params = z.strictObject({
  recipe,
  /** Go on from the version that this alias points at, with its architecture, where there is one with the same labels and inputs. */
  warmStart: z
    .strictObject({ model: z.string(), alias: z.string().default('stable') })
    .nullable()
    .default(null),
  /**
   * That take each step together: more of them than the machine has cores make it slower. The bits are the same on any number. What trains without a plan does so on one,
   * and the log says why.
   */
  threads: z.int().min(1).max(64).default(1),
})

function epochText({ epoch, loss, accuracy, validationLoss, validationAccuracy, seconds }: EpochRecord): string {
  const figures = { loss, accuracy, 'validation loss': validationLoss, 'validation accuracy': validationAccuracy }
  const told = Object.entries(figures).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value.toFixed(4)}`]))
  return `epoch ${epoch}: ${told.join(', ')}, ${seconds.toFixed(1)} s`
}

/** Trains a model. An attempt that was interrupted is gone on from its last checkpoint, to the same bits. */
export const train = defineComponent({
  name: 'train',
  version: '5',
  module: import.meta.url,
  inputs: { train: 'split', validation: 'split', transforms: 'transforms', trials: 'trials?' },
  outputs: { model: 'model', history: 'history' },
  params,
  unkeyed: ['threads'],
  limits: { timeoutMs: 30 * 60 * 1000 },
  reads: async ({ params: { warmStart }, api }) => (warmStart === null ? null : findLive(api, warmStart.model, warmStart.alias)),
  async run({ inputs, params: given, reads, seed, api, signal, blobs, folder, kept, clock, log, logMetrics, progress }) {
    const prepared = await inputs.transforms.json(preparation)
    const tuned = inputs.trials === undefined ? undefined : await inputs.trials.json(trials)
    const chosen: Recipe = tuned === undefined ? given.recipe : tunedRecipe(given.recipe, tuned)

    const trees = chosen.architecture.kind === 'trees'
    const backend = trees ? 'cpu' : await startStepBackend()

    const live = given.warmStart === null ? null : liveVersion.parse(reads)
    const from = live === null ? undefined : await fetchVersion(api, live.manifest as Sha256, signal)
    const unfit = from && cannotGoOn(from.manifest, chosen, prepared)
    if (unfit !== undefined) log.warn(`version ${live?.version} ${unfit}: training starts anew`)
    const start: ModelFile | undefined = unfit === undefined ? from?.model : undefined
    const topology: Topology = start?.topology ?? topologyOf(chosen, prepared)

    const [training, validation] = await Promise.all([
      loadSplit(inputs.train.path, prepared, folder),
      loadSplit(inputs.validation.path, prepared, folder),
    ])
    log.info(
      `${start === undefined ? 'training from scratch' : `going on from version ${live?.version}`} on ${backend}: ${training.labels.length} rows, ${chosen.epochs} ${trees ? 'rounds' : 'epochs'}`,
    )
    const resume = await keptTraining(kept).catch((thrown: unknown) => {
      log.warn(toAppError(thrown).detail)
      return undefined
    })
    if (resume !== undefined) log.info(`going on after ${reachedBy(resume)}: an interrupted attempt came so far`)
    const { weights, history, bestEpoch, engine } = await trainByRecipe({
      recipe: chosen,
      topology,
      initial: start?.tensors,
      prepared,
      train: training,
      validation,
      seed,
      threads: given.threads,
      signal,
      keep: keepTraining({ kept, clock }),
      resume,
      afterEpoch: async (epoch) => {
        log.info(epochText(epoch))
        const { epoch: at, seconds: _, ...figures } = epoch
        logMetrics(figures, at)
        return 'go on'
      },
      onProgress: ({ done, total, epoch, loss }) => progress(done, total, `epoch ${epoch} of ${chosen.epochs}, loss ${loss.toFixed(3)}`),
    })
    if (engine !== undefined) log.info(`trained with ${engine.reason}`)
    if (bestEpoch < chosen.epochs)
      log.info(`stopped after epoch ${history.length} of ${chosen.epochs}; the weights are those of epoch ${bestEpoch}`)
    const parameters = Object.values(weights).reduce((sum, { data }) => sum + data.length, 0)
    // times differ between two runs of the same training, and so are told in the log only: the artifact names what was learnt
    const epochs = history.map(({ seconds: _, ...epoch }) => epoch)
    const best = epochs[bestEpoch - 1]
    const parent = start === undefined ? null : (live?.version ?? null)
    return {
      outputs: {
        model: await blobs.bytes(encodeModel({ topology, tensors: weights }), { properties: { parameters, parent, round: null } }),
        history: await blobs.json(
          { recipe: chosen, epochs, bestEpoch },
          {
            properties: {
              epochs: epochs.length,
              bestEpoch,
              trainLoss: best?.loss ?? null,
              validationLoss: best?.validationLoss ?? null,
              trainAccuracy: best?.accuracy ?? null,
              validationAccuracy: best?.validationAccuracy ?? null,
            },
          },
        ),
      },
    }
  },
})
