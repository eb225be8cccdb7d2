import * as z from 'zod'
import { predictBatches } from '../../../shared/compute/predict-batches.ts'
import { gatherBatch } from '../../../shared/compute/examples.ts'
import { makeSelfTest } from '../../../shared/compute/self-test.ts'
import { must } from '../../../shared/core/assert.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Id, Slug } from '../../../shared/core/ids.ts'
import { makePieces } from '../../../shared/tensor/pieces.ts'
import type { ManifestDraft } from '../../../shared/trust/manifest.ts'
import { defineComponent } from '../component.ts'
import { openModel } from '../data/evaluate-model.ts'
import { errorBoundOf } from '../data/error-bound.ts'
import { answersWithNumber, preparation } from '../data/example-form.ts'
import { answerReferences, inputReferences } from '../data/make-references.ts'
import { figuresOf, metricsDocument } from '../data/metrics-document.ts'
import { readModel } from '../data/model-file.ts'
import { runnableManifest } from '../data/runnable-manifest.ts'
import { countRows, type RowFilter } from '../data/row-filter.ts'
import { loadSplit, type SplitExamples } from '../data/split-examples.ts'
import { startStepBackend } from '../data/step-backend.ts'

const params = z.strictObject({
  model: z.string(),
  dataset: z.string(),
  notes: z.string().max(2000).default(''),
  /** An error rate below this is not promised, however good the test was: a device would give a version up after very few errors. */
  leastPromisedErrorRate: z.number().min(0).max(1).default(0.02),
  /** Of versions that answer with a number: the share of answers within the error bound that is promised. */
  withinBound: z.number().min(0.5).max(0.999).default(0.9),
  latencyCeilingMs: z.number().min(1).default(1000),
  /**
   * Which rows are like what devices meet now: drift is measured from them, and the error rate that is promised is the one on them. All rows when null,
   * or when there are fewer than `minRows` to learn from. A version that was retrained for a changed world would otherwise count as drifted from its first hour.
   */
  population: z
    .strictObject({ column: z.string(), value: z.string(), minRows: z.int().min(1).default(100) })
    .nullable()
    .default(null),
  goldenExamples: z.int().min(1).max(64).default(8),
})

const blessed = z.object({ blessed: z.literal(true), live: z.nullable(z.object({ version: z.int() })) })

/** Puts a blessed candidate into the registry: pieces, and a manifest with all that a device needs to run it and to know whether it still runs well. */
export const register = defineComponent({
  name: 'register',
  version: '1',
  module: import.meta.url,
  inputs: {
    model: 'model',
    train: 'split',
    validation: 'split',
    test: 'split?',
    transforms: 'transforms',
    metrics: 'metrics',
    blessing: 'blessing',
    runtime: 'runtime-blessing?',
  },
  outputs: { version: 'version' },
  params,
  cache: 'never',
  async run({ run, inputs, params: given, idempotencyKey, api, signal, blobs, folder, log, progress }) {
    const prepared = await inputs.transforms.json(preparation)
    const metrics = await inputs.metrics.json(metricsDocument)
    const blessing = await inputs.blessing.json(blessed)
    await inputs.runtime?.json(z.object({ blessed: z.literal(true) }))
    const file = await readModel(inputs.model.path)
    await startStepBackend()
    const runtime = await openModel(file)
    const answersOn = async (...splits: readonly SplitExamples[]) => {
      const parts = []
      for (const { examples, transform } of splits) parts.push(await predictBatches(runtime, examples, { transform, signal }))
      return { values: Float32Array.from(parts.flatMap(({ values }) => [...values])), width: must(parts[0], 'a split').width }
    }
    /** Rows that were not learnt from: on those it has learnt from, a model is surer than devices will ever see it. */
    const unseen = async (where: RowFilter): Promise<[SplitExamples, ...SplitExamples[]]> => {
      const splits = []
      for (const split of [inputs.validation, inputs.test])
        if (split !== undefined && (await countRows(split.path, where, folder)) > 0)
          splits.push(await loadSplit(split.path, prepared, folder, { where }))
      const [first, ...rest] = splits
      return first === undefined ? [await loadSplit(inputs.train.path, prepared, folder, { where })] : [first, ...rest]
    }
    try {
      const validation = await loadSplit(inputs.validation.path, prepared, folder)
      const { population } = given
      const like =
        population !== null && (await countRows(inputs.train.path, population, folder)) >= population.minRows ? population : undefined
      if (like !== undefined) log.info(`devices are expected to meet rows like those with ${like.column} = ${like.value}`)
      progress(1, 5, 'answers on rows like those that devices meet')
      const met: [SplitExamples, ...SplitExamples[]] = like === undefined ? [validation] : await unseen(like)
      const answers = await answersOn(...met)
      const input = must(runtime.inputs[0], 'the model input')
      progress(2, 5, 'references')
      const references = {
        ...(await inputReferences(inputs.train.path, prepared, folder, like)),
        ...answerReferences(answers.values, answers.width, prepared.labels),
      }
      const golden = Int32Array.from({ length: Math.min(given.goldenExamples, validation.labels.length) }, (_, i) => i)
      const data = gatherBatch(validation.examples, golden, validation.transform)
      const selfTest = await makeSelfTest(runtime, [
        { dtype: 'float32', shape: [golden.length, ...input.shape.slice(1).map(Number)], data },
      ])
      const { pieces, tensors } = await makePieces(file.tensors)
      for (const [i, { digest, bytes }] of pieces.entries()) {
        progress(3 + i / pieces.length, 5, `piece ${i + 1} of ${pieces.length}`)
        await api('blob.put', { params: { digest }, body: bytes }, { signal })
      }
      const slice = like && metrics.slices.find((one) => one.slice === `${like.column}=${like.value}`)
      const accuracy = (slice ?? metrics).intervals['accuracy']
      const bound = answersWithNumber(prepared)
        ? errorBoundOf(
            answers.values,
            met.flatMap(({ labels }) => [...labels]),
            given.withinBound,
          )
        : undefined
      const errorRate = bound?.errorRate ?? 1 - (accuracy?.low ?? 0)
      const draft: ManifestDraft = {
        ...runnableManifest(file, prepared, runtime, selfTest),
        tensors: tensors.map((entry) => ({ ...entry, shape: [...entry.shape] })),
        pieces: pieces.map(({ digest, bytes }) => ({ digest, bytes: bytes.length })),
        deltas: [],
        references,
        // the upper end of the test's interval: what the test does not exclude cannot be held against the version
        promised: {
          errorRate: Math.min(0.5, Math.max(given.leastPromisedErrorRate, errorRate)),
          ...(bound === undefined ? {} : { errorBound: bound.errorBound }),
          latencyCeilingMs: given.latencyCeilingMs,
        },
        metrics: figuresOf(metrics),
        lineage: {
          run,
          round: (inputs.model.properties['round'] as Id<'round'> | null | undefined) ?? null,
          dataset: given.dataset,
          notes: given.notes,
        },
      }
      progress(4, 5, 'registering')
      const parent =
        typeof inputs.model.properties['parent'] === 'number' ? inputs.model.properties['parent'] : (blessing.live?.version ?? null)
      const made = await api(
        'versions.create',
        { params: { model: given.model as Slug }, body: { draft, parent } },
        { idempotencyKey, signal },
      )
      log.info(`registered ${given.model} version ${made.version}: ${made.bytes} bytes in ${pieces.length} pieces`)
      if (made.run !== run) throw new AppError('conflict', `version ${made.version} belongs to another run`)
      const properties = { model: given.model, version: made.version, manifest: made.manifest, parent }
      return { outputs: { version: await blobs.json(properties, { properties, name: `${given.model} version ${made.version}` }) } }
    } finally {
      runtime.dispose()
    }
  },
})
