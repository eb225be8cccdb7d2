import { must } from '../core/assert.ts'
import type { Random } from '../core/random.ts'
import { expectTensor } from '../tensor/tensor.ts'
import { type BatchTransform, countOf, type Examples, gatherBatch, type Labels } from './examples.ts'
import { isRegression, type LossKind, lossPerExample, targetsOf, weightedMean } from './loss.ts'
import { addTotals, type LabelledData, noTotals, type Totals } from './training-totals.ts'
import {
  addN,
  keep as keepAlive,
  type LayersModel,
  type Scalar,
  type Tensor,
  type Tensor1D,
  tensor,
  tidy,
  type Variable,
  variableGrads,
} from './tf.ts'

/** A model in training: its answers are logits where the loss is a cross-entropy. */
export type Trainee = { readonly model: LayersModel; readonly loss: LossKind; readonly variables: readonly Variable[] }

const EVALUATION_BATCH = 500

function countRight(loss: LossKind, logits: ArrayLike<number>, labels: Labels, indices: ArrayLike<number>): number | undefined {
  if (isRegression(loss)) return undefined
  const width = logits.length / indices.length
  let right = 0
  for (let i = 0; i < indices.length; i++) {
    let best = 0
    if (loss === 'binary-cross-entropy') best = must(logits[i], 'a logit') > 0 ? 1 : 0
    else for (let c = 1; c < width; c++) if (must(logits[i * width + c], 'a logit') > must(logits[i * width + best], 'a logit')) best = c
    if (best === labels[must(indices[i], 'an index')]) right += 1
  }
  return right
}

const widthOf = ({ model }: Trainee): number => Number(must(model.outputs[0], 'the model output').shape.at(-1))

/** The batch in the model's input shape; stored examples may be flat. Throws shape_mismatch when they have another size. */
function inputOf({ model }: Trainee, examples: Examples, indices: ArrayLike<number>, transform: BatchTransform, random?: Random): Tensor {
  const spec = must(model.inputs[0], 'the model input')
  const data = gatherBatch(examples, indices, transform, random)
  const shape = [indices.length, ...spec.shape.slice(1).map(Number)]
  expectTensor('a batch of examples', { dtype: 'float32', shape, data }, { dtype: 'float32', shape: spec.shape })
  return tensor(data, shape, spec.dtype)
}

/** Loss and right answers of one batch; its gradients are handed to `step`, in the order of the variables, and disposed after it. */
export async function trainBatch(
  trainee: Trainee,
  data: LabelledData,
  indices: Int32Array,
  options: { transform: BatchTransform; random: Random; weights?: readonly number[] | undefined },
  step: (gradients: readonly Tensor[]) => void,
): Promise<Totals> {
  const { model, loss, variables } = trainee
  const held: Tensor[] = []
  const hold = <T extends Tensor>(made: T): T => {
    held.push(made)
    return made
  }
  try {
    const x = hold(inputOf(trainee, data.examples, indices, options.transform, options.random))
    const targets = hold(targetsOf(loss, data.labels, indices, widthOf(trainee)))
    const weights = options.weights && hold(tensor([...options.weights], [indices.length]) as Tensor1D)
    let logits: Tensor | undefined
    const { value, grads } = variableGrads(() => {
      logits = keepAlive(model.apply(x, { training: true }) as Tensor)
      const ofData = weightedMean(lossPerExample(loss, logits, targets), weights)
      const penalties = model.calculateLosses()
      return penalties.length === 0 ? ofData : (addN([ofData, ...penalties]) as Scalar)
    }, [...variables])
    hold(value)
    const answers = hold(must(logits, 'the answers'))
    step(variables.map((variable) => hold(must(grads[variable.name], `a gradient for ${variable.name}`))))
    const [lossValues, answerValues] = await Promise.all([value.data(), answers.data()])
    return {
      loss: must(lossValues[0], 'a loss') * indices.length,
      right: countRight(loss, answerValues, data.labels, indices),
      count: indices.length,
    }
  } finally {
    for (const made of held) made.dispose()
  }
}

/** Loss and right answers over all examples. `beforeBatch` may wait, or throw to stop. */
export async function evaluateTrainee(
  trainee: Trainee,
  data: LabelledData,
  transform: BatchTransform,
  beforeBatch: () => Promise<void>,
): Promise<Totals> {
  const { model, loss } = trainee
  const totals = noTotals(loss)
  for (let from = 0; from < countOf(data.examples); from += EVALUATION_BATCH) {
    await beforeBatch()
    const indices = Int32Array.from({ length: Math.min(EVALUATION_BATCH, countOf(data.examples) - from) }, (_, i) => from + i)
    const held = tidy(() => {
      const answers = model.apply(inputOf(trainee, data.examples, indices, transform), { training: false }) as Tensor
      return [answers, lossPerExample(loss, answers, targetsOf(loss, data.labels, indices, widthOf(trainee)))]
    })
    const [answers = [], losses = []] = await Promise.all(held.map((part) => part.data()))
    for (const part of held) part.dispose()
    addTotals(totals, {
      loss: Array.from(losses).reduce((sum, value) => sum + value, 0),
      right: countRight(loss, answers, data.labels, indices),
      count: indices.length,
    })
  }
  return totals
}
