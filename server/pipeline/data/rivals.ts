import * as z from 'zod'
import type { Client } from '../../../shared/contract/client.ts'
import { canonicalJson } from '../../../shared/core/canonical-json.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { inputsOf } from '../../../shared/data/transforms.ts'
import type { Manifest } from '../../../shared/trust/manifest.ts'
import { answersOf } from './evaluate-model.ts'
import { answersWithNumber, type Preparation } from './example-form.ts'
import { fetchVersion, findLive, type LiveVersion } from './live-version.ts'
import type { Answers } from './measured.ts'
import { recipe } from './recipe.ts'
import { topologyOf } from './recipe-network.ts'
import { loadSplit, type SplitExamples } from './split-examples.ts'
import { trainByRecipe } from './train-recipe.ts'

/** What a candidate is compared with, besides the live version. */
export const rival = z.discriminatedUnion('kind', [
  /** Another version that is in the registry. */
  z.strictObject({ kind: z.literal('version'), model: z.string(), alias: z.string() }),
  /** The constant answer that is best on the training split: its label frequencies, its mean. */
  z.strictObject({ kind: z.literal('constant') }),
  /** Logistic or linear regression, trained here and now on up to `rows` rows. */
  z.strictObject({ kind: z.literal('linear'), rows: z.int().min(1).default(5000) }),
  /** What a rule of the business answers: a column of the data (named in the prepare step's sliceBy) with a label, or a number, for each row. */
  z.strictObject({ kind: z.literal('column'), column: z.string() }),
])
export type Rival = z.output<typeof rival>

export const rivalVersions = async (api: Client, rivals: Readonly<Record<string, Rival>>): Promise<Record<string, LiveVersion>> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(rivals).flatMap(([name, one]) =>
        one.kind === 'version' ? [findLive(api, one.model, one.alias).then((found) => [name, found] as const)] : [],
      ),
    ),
  )

/** A model that has answered the test split. `labels` are its own, and so the rows need not be the candidate's. */
export type Contestant = {
  readonly answers: Answers
  readonly split: SplitExamples
  readonly labels: readonly string[]
  readonly manifest?: Manifest
}

export type RivalContext = {
  readonly prepared: Preparation
  readonly test: { readonly path: string; readonly split: SplitExamples; readonly columns: readonly string[] }
  readonly trainPath: string | undefined
  readonly api: Client
  readonly folder: string
  readonly seed: number
  readonly signal: AbortSignal
}

/** A registered version on the test split, with its own frozen transforms and labels: as devices run it. A text where the data lacks what it takes. */
export async function versionOn(
  { version, manifest: digest }: NonNullable<LiveVersion>,
  context: RivalContext,
): Promise<Contestant | string> {
  const { prepared, test, api, folder, signal } = context
  const { manifest, model } = await fetchVersion(api, digest as Sha256, signal)
  const own: Preparation = { ...prepared, transforms: [...manifest.transforms], labels: [...manifest.labels] }
  const takes = [...new Set(own.transforms.flatMap(inputsOf))]
  const missing = takes.filter((name) => !test.columns.includes(name))
  if (missing.length > 0) return `version ${version} takes ${missing.join(', ')}, which the prepared data lacks`
  const form = own.form.kind === 'columns' ? { ...own.form, columns: takes } : own.form
  const same = canonicalJson([own.transforms, own.labels]) === canonicalJson([prepared.transforms, prepared.labels])
  const split = same ? test.split : await loadSplit(test.path, { ...own, form }, folder)
  return { answers: await answersOf(model, split, own, signal), split, labels: own.labels, manifest }
}

/** A rival on the test split; null where there is no such version. Throws invalid_input for one that needs what is not wired. */
export async function rivalOn(
  name: string,
  one: Rival,
  version: LiveVersion | undefined,
  context: RivalContext,
): Promise<Contestant | string | null> {
  const { prepared, test, trainPath, folder, seed, signal } = context
  const { labels } = prepared
  if (one.kind === 'version') return version === null || version === undefined ? null : versionOn(version, context)
  if (one.kind === 'column') return { answers: columnAnswers(one.column, test.split, prepared), split: test.split, labels }
  if (trainPath === undefined)
    throw new AppError('invalid_input', `the rival ${name} learns from the training split: wire train to the validate-model step`)
  const train = await loadSplit(trainPath, prepared, folder, one.kind === 'linear' ? { rows: one.rows } : {})
  if (one.kind === 'constant') return { answers: constantAnswers(train, test.split.labels.length, prepared), split: test.split, labels }
  const simple = recipe.parse({
    architecture: { kind: 'linear' },
    epochs: 10,
    batchSize: 64,
    optimizer: { kind: 'adam' },
    learningRate: { kind: 'cosine', rate: 0.02 },
    leastFall: null,
  })
  const topology = topologyOf(simple, prepared)
  const { weights } = await trainByRecipe({
    recipe: simple,
    topology,
    prepared,
    train,
    validation: test.split,
    seed,
    signal,
    onProgress: () => {},
  })
  return { answers: await answersOf({ topology, tensors: weights }, test.split, prepared, signal), split: test.split, labels }
}

function constantAnswers(train: SplitExamples, rows: number, prepared: Preparation): Answers {
  const width = Math.max(1, prepared.labels.length)
  const answer = new Float64Array(width)
  for (const label of train.labels) {
    if (answersWithNumber(prepared)) answer[0] = (answer[0] ?? 0) + label / train.labels.length
    else answer[label] = (answer[label] ?? 0) + 1 / train.labels.length
  }
  return { values: Float32Array.from({ length: rows * width }, (_, i) => answer[i % width] as number), width }
}

function columnAnswers(column: string, { groups, labels: rows }: SplitExamples, prepared: Preparation): Answers {
  const values = groups[column]
  if (values === undefined)
    throw new AppError('invalid_input', `there is no column ${column} to compare with: name it in the sliceBy of the prepare step`)
  const width = Math.max(1, prepared.labels.length)
  const answers = new Float32Array(rows.length * width)
  for (const [i, value] of values.entries()) {
    if (answersWithNumber(prepared)) answers[i] = Number(value)
    else {
      const label = prepared.labels.indexOf(value)
      // an answer that is no label is wrong, whatever the truth
      answers[i * width + (label >= 0 ? label : (Number(rows[i]) + 1) % width)] = 1
    }
  }
  return { values: answers, width }
}
