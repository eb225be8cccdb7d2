import { join } from 'node:path'
import * as z from 'zod'
import { asIs, type Examples } from '../../../shared/compute/examples.ts'
import { predictBatches } from '../../../shared/compute/predict-batches.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { applyTransforms } from '../../../shared/data/apply-transforms.ts'
import { type Batch, batchLength } from '../../../shared/data/columns.ts'
import { type Duck, literal, openDuck, quoted } from '../../datasets/duckdb.ts'
import { defineComponent } from '../component.ts'
import { type Answer, answerForm } from '../data/answer-form.ts'
import { answerParts } from '../data/answer-parts.ts'
import { openModel } from '../data/evaluate-model.ts'
import type { Preparation } from '../data/example-form.ts'
import { fetchVersion, findLive, liveVersion } from '../data/live-version.ts'
import { readBatches } from '../data/parquet-batches.ts'
import { fittedPixels, inputShape, transformOf } from '../data/split-examples.ts'
import { startStepBackend } from '../data/step-backend.ts'
import { trainedForm } from '../data/trained-form.ts'

const params = z.strictObject({
  model: z.string(),
  /** Whose version answers, unless `version` names one. */
  alias: z.string().default('stable'),
  version: z.int().min(1).nullable().default(null),
  /** The column that tells the rows apart, and comes along into the answers. */
  id: z.string().min(1).max(128).default('id'),
  /** Rows that are in the network at a time. */
  batchSize: z.int().min(1).max(4096).default(256),
  /** Rows after which answers are kept for good: what an interrupted step has to do again at most. */
  partRows: z.int().min(1).max(1_000_000).default(20_000),
})

/** The id's name while rows are read: the column may be one of the model's own too. */
const ID = '_id'
/** For each of reading and writing; DuckDB spills to the step's folder beyond. */
const MEMORY_MB = 256

/** Some rows as the network's examples; images stay bytes until they are in a batch. */
function examplesOf(rows: Batch, prepared: Preparation): Examples {
  const { form, transforms } = prepared
  const shape = [batchLength(rows), ...inputShape(prepared)]
  if (form.kind === 'columns') return { data: applyTransforms(transforms, rows), shape }
  return { data: fittedPixels(rows, form.column, transforms), shape }
}

/** Throws invalid_input where the rows lack what the model takes, or the id. */
async function columnsFor(duck: Duck, path: string, { form }: Preparation, id: string): Promise<string[]> {
  const columns = form.kind === 'image' ? [form.column] : form.columns
  const there = await duck.rows(`SELECT column_name AS name FROM (DESCRIBE SELECT * FROM read_parquet(${literal(path)}))`)
  const names = new Set(there.map(({ name }) => String(name)))
  const missing = [id, ...columns].filter((name) => !names.has(name))
  if (missing.length > 0)
    throw new AppError(
      'invalid_input',
      `the rows have no column ${missing.join(', ')}; they have ${[...names].join(', ')}: change the query`,
    )
  return columns
}

/**
 * Answers of a version to every row: `id`, `label`, `confidence`, `probabilities` (in the order of the property `labels`), `version`; where the version has no
 * labels `id`, `prediction` (its number), `version`.
 */
export const predict = defineComponent({
  name: 'predict',
  version: '2',
  module: import.meta.url,
  inputs: { data: 'data' },
  outputs: { predictions: 'data' },
  params,
  async reads({ params: { model, alias, version }, api }) {
    if (version === null) return findLive(api, model, alias)
    const found = await api('versions.get', { params: { model: model as Slug, version: String(version) } })
    if (found.revoked !== null)
      throw new AppError('version_revoked', `${model} version ${version} was revoked (${found.revoked.reason}): choose another`)
    return { version, manifest: found.manifest }
  },
  async run({ params: { model, alias, id, batchSize, partRows }, inputs, reads, api, signal, blobs, folder, kept, log, progress }) {
    const chosen = liveVersion.parse(reads)
    if (chosen === null) throw new AppError('unknown_version', `${model}@${alias} points at no version yet: release one, or name a version`)
    const { manifest, model: file } = await fetchVersion(api, chosen.manifest as Sha256, signal)
    const prepared = trainedForm(manifest, [])
    const transform = prepared.form.kind === 'image' ? transformOf(prepared) : asIs
    await startStepBackend()
    const runtime = await openModel(file)
    const from = inputs.data.path
    const reader = await openDuck({ folder, files: [from], memoryMb: MEMORY_MB, threads: 1 })
    try {
      const columns = await columnsFor(reader, from, prepared, id)
      const [counted] = await reader.rows(`SELECT count(*)::DOUBLE AS n FROM read_parquet(${literal(from)})`)
      const total = Number(counted?.['n'] ?? 0)
      const form = answerForm(prepared)
      const parts = await answerParts({ kept, memoryMb: MEMORY_MB, form, version: chosen.version })
      let done = Math.min(total, parts.count * partRows)
      if (done > 0) log.info(`going on at row ${done}: ${parts.count} parts of an interrupted attempt are there`)
      let waiting: Answer[] = []
      const keep = async (all: boolean): Promise<void> => {
        while (waiting.length >= partRows || (all && waiting.length > 0)) {
          await parts.add(waiting.slice(0, partRows))
          waiting = waiting.slice(partRows)
        }
      }
      const select = [`CAST(${quoted(id)} AS VARCHAR) AS ${ID}`, ...columns.map(quoted)].join(', ')
      const rest = `SELECT ${select} FROM read_parquet(${literal(from)}, file_row_number = true) WHERE file_row_number >= ${done}`
      for await (const rows of readBatches(reader, rest, prepared.form)) {
        const { values, width } = await predictBatches(runtime, examplesOf(rows, prepared), { batchSize, transform, signal })
        const ids = rows[ID] as readonly (string | null)[]
        for (const [i, own] of ids.entries()) waiting.push({ id: own, append: form.read(values.subarray(i * width, (i + 1) * width)) })
        done += ids.length
        await keep(false)
        progress(done, total, `${done} of ${total} rows`)
      }
      await keep(true)
      const path = join(folder, 'predictions.parquet')
      const summary = await parts.join(path, folder)
      log.info(`${model} version ${chosen.version} answered ${done} rows`)
      const properties = {
        rows: done,
        model,
        version: chosen.version,
        manifest: chosen.manifest,
        ...summary,
      }
      return {
        outputs: { predictions: await blobs.file(path, { properties, name: `answers of ${model} version ${chosen.version}` }) },
      }
    } finally {
      runtime.dispose()
      reader.close()
    }
  },
})
