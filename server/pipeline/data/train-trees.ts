import type { EpochRecord } from '../../../shared/compute/train.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { BoostingLoss, LossTotals } from '../../../shared/trees/boosting-loss.ts'
import { firstTrees, type Forest, inUnit, marginCount } from '../../../shared/trees/forest.ts'
import { decodeForest, encodeForest } from '../../../shared/trees/forest-file.ts'
import { pacedBy } from '../../../shared/trees/pace.ts'
import { trainForest } from '../../../shared/trees/train-forest.ts'
import { classWeightsOf } from './class-weights.ts'
import { notConverged } from './convergence.ts'
import { watchValidation } from './early-stopping.ts'
import { answersWithNumber } from './example-form.ts'
import type { Recipe } from './recipe.ts'
import type { RecipeResult, RecipeRun } from './train-recipe.ts'
import { rowsOf, sampleRows } from './sampling.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import type { SplitExamples } from './split-examples.ts'
import { scaledTargets, type TargetScale, targetScale } from './target-scale.ts'

type Trees = Extract<Recipe['architecture'], { kind: 'trees' }>

/** Rows as trees take them, numbers to be predicted in deviations from their mean. */
const treeRows = ({ examples, labels }: SplitExamples, scale: TargetScale | undefined) => ({
  values: examples.data instanceof Float32Array ? examples.data : Float32Array.from(examples.data),
  labels: scale === undefined ? labels : scaledTargets(labels, scale),
})

/** The shrinkage. Throws invalid_input for a rate that changes on the way: each round's trees answer what those before have left. */
function shrinkage({ learningRate }: Recipe): number {
  if (learningRate.kind !== 'constant' || learningRate.rate > 1)
    throw new AppError(
      'invalid_input',
      `trees take a constant learning rate up to 1, the share of each round's answer that counts (0.1, say); the recipe has ${JSON.stringify(learningRate)}`,
      { issues: [{ where: 'learningRate', what: 'must be constant and at most 1' }] },
    )
  return learningRate.rate
}

function lossOf({ loss = 'mean-squared-error' }: Recipe, numbers: boolean): BoostingLoss {
  if (!numbers) return 'cross-entropy'
  return loss === 'mean-absolute-error' ? 'absolute-error' : 'squared-error'
}

const rates = ({ loss, right, count }: LossTotals) => ({ loss: loss / count, accuracy: right === undefined ? undefined : right / count })

const TREES_ENGINE = { kind: 'trees', reason: 'trees, on one thread: a round needs the answers of the one before' } as const

/**
 * Boosts trees by a recipe: a round is an epoch. Chooses rows, weighs labels, brings numbers to one scale and stops early as training a network does; goes on from a forest's trees. Throws
 * training_diverged, not_converged, and invalid_input for a recipe that contradicts itself.
 */
export async function trainTrees(run: RecipeRun, architecture: Trees): Promise<RecipeResult> {
  const { recipe, prepared, initial, seed, signal, keep } = run
  const resume = run.resume?.kind === 'trees' ? run.resume : undefined
  const { depth, leaves, lambda, leastChildWeight, leastGain, rowShare, columnShare, bins } = architecture
  const rate = shrinkage(recipe)
  const chosen = rowsOf(run.train, sampleRows(run.train, recipe, seededRandom(seed)))
  const classWeights = classWeightsOf(recipe, prepared, chosen.labels)
  const numbers = answersWithNumber(prepared)
  const scale = numbers ? targetScale(chosen.labels) : undefined
  const from = initial === undefined ? undefined : decodeForest({ topology: run.topology, tensors: initial })
  const start = from && scale ? inUnit(from, 1 / scale.deviation, -scale.mean / scale.deviation) : from
  const inData = (forest: Forest) => encodeForest(scale === undefined ? forest : inUnit(forest, scale.deviation, scale.mean)).tensors
  const early = recipe.stopEarly && watchValidation(recipe.stopEarly, resume?.best)
  const history: EpochRecord[] = [...(resume?.history ?? [])]
  let began = systemClock.monotonic()
  const forest = await trainForest({
    rules: {
      loss: lossOf(recipe, numbers),
      rounds: recipe.epochs,
      rate,
      depth,
      leaves,
      lambda,
      leastChildWeight,
      leastGain,
      rowShare,
      columnShare,
      bins,
    },
    features: treeWidth(run.train),
    classes: prepared.labels.length,
    train: treeRows(chosen, scale),
    validation: treeRows(run.validation, scale),
    classWeights,
    initial: resume?.forest ?? start,
    done: history.length,
    seed,
    pace: pacedBy(systemClock, signal),
    async afterRound({ round, train, validation }, now) {
      const own = rates(train)
      const checked = validation && rates(validation)
      const record: EpochRecord = {
        epoch: round,
        loss: own.loss,
        ...(own.accuracy === undefined ? {} : { accuracy: own.accuracy }),
        ...(checked === undefined ? {} : { validationLoss: checked.loss }),
        ...(checked?.accuracy === undefined ? {} : { validationAccuracy: checked.accuracy }),
        seconds: (systemClock.monotonic() - began) / 1000,
      }
      history.push(record)
      run.onProgress({ done: round, total: recipe.epochs, epoch: round, loss: own.loss })
      // a forest of fewer rounds is a part of this one: nothing needs to be kept
      const stopped = (await early?.after(record, async () => ({}))) ?? 'go on'
      const told = (await run.afterEpoch?.(record, async () => inData(now()))) ?? 'go on'
      began = systemClock.monotonic()
      if (stopped === 'stop' || told === 'stop') return 'stop'
      // only then: whoever resumes here does not come to this round's end again
      if (keep?.due() === true) await keep.save({ kind: 'trees', forest: now(), history, best: early?.best() })
      return 'go on'
    },
  })
  const why =
    recipe.leastFall === null
      ? undefined
      : notConverged({ history, firstEpoch: [], warm: start !== undefined, leastFall: recipe.leastFall })
  if (why !== undefined) throw new AppError('not_converged', why)
  const bestEpoch = early?.best()?.epoch ?? history.length
  const trees = (start?.starts.length ?? 0) + bestEpoch * marginCount(forest)
  return { weights: { ...inData(firstTrees(forest, trees)) }, history, engine: TREES_ENGINE, bestEpoch }
}

const treeWidth = ({ examples, labels }: SplitExamples): number => examples.data.length / labels.length
