import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { DatasetSummary, SharedExample } from '../../shared/contract/datasets.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError, type Issue } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import { MAX_BLOB_BYTES } from '../../shared/core/limits.ts'
import type { DatasetSchema } from '../../shared/data/schema.ts'
import type { EventBus } from '../events.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Db } from '../storage/database.ts'
import { datasetStore, type SpanSummary } from './dataset-store.ts'
import { exampleStore } from './example-store.ts'
import { createSchemas, type Schemas } from './schema-service.ts'
import { countParquetRows, examplesToParquet, fileToParquet, inFolder, saveStream, type UploadFormat } from './span-files.ts'
import { importSource } from './sources/import-source.ts'
import { type Selection, selectionText, type Source, type Sources } from './sources/source-settings.ts'
import { spanStatistics } from './span-statistics.ts'

/** What an example of a model must look like; `null` while the model has no version. */
export type ExampleForm = { readonly shape: readonly number[]; readonly labels: readonly string[] }

export type DatasetsOptions = {
  readonly db: Db
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly events: EventBus
  /** For files that are being converted. */
  readonly folder: string
  /** Undefined when there is no such model. */
  readonly formOf: (model: Slug) => Promise<ExampleForm | null | undefined>
  readonly limits?: Partial<ExampleLimits>
  readonly sources?: Sources
}

/** Bounds on what people share, so that one device can neither fill the disk nor outvote the others. */
export type ExampleLimits = {
  readonly perDayAndSender: number
  readonly waiting: number
  readonly perSpan: number
  /** How long reading a source may take. */
  readonly importMs: number
}
const LIMITS: ExampleLimits = { perDayAndSender: 5000, waiting: 100_000, perSpan: 50_000, importMs: 30 * 60 * 1000 }
const DAY = 24 * 60 * 60 * 1000

/** The `source` of rows that people shared. */
export const SHARED_SOURCE = 'shared'

const UPLOADS: Record<string, UploadFormat> = {
  'text/csv': 'csv',
  'text/tab-separated-values': 'csv',
  'application/json': 'json',
  'application/x-ndjson': 'json',
  'application/jsonl': 'json',
}

export type Datasets = {
  readonly schemas: Schemas
  list(): Promise<DatasetSummary[]>
  create(dataset: { name: Slug; description: string; schema?: DatasetSchema | undefined; by?: string }): Promise<DatasetSummary>
  get(name: Slug): Promise<DatasetSummary>
  upload(name: Slug, file: { data: ReadableStream<Uint8Array>; type: string; source: string }): Promise<SpanSummary>
  /** Places that may be imported from, without what a connection holds. */
  sources(): { name: Slug; kind: Source['kind'] }[]
  /** Rows of a named source as a span; none where they are the same as the last time. */
  importFrom(name: Slug, wish: Selection & { source: Slug }): Promise<{ span: SpanSummary; added: boolean }>
  /** Adds a Parquet file of this machine. */
  addFile(name: Slug, file: { path: string; source: string }): Promise<SpanSummary>
  share(model: Slug, sender: string, examples: readonly SharedExample[]): Promise<{ accepted: number; duplicates: number }>
  collect(name: Slug, model: Slug): Promise<SpanSummary | null>
  /** What triggers ask: shared examples of a model not yet in a span, and spans that came otherwise since a time. */
  arrivalTimes(dataset: string): Promise<number[]>
  arrivals(
    dataset: string,
    model: string,
    since: number,
  ): Promise<{ newExamples: number; allExamples: number; newSpans: number; newestSpan: number }>
}

export function createDatasets(options: DatasetsOptions): Datasets {
  const { db, blobs, clock, events, folder, sources = {} } = options
  const limits = { ...LIMITS, ...options.limits }
  const store = datasetStore(db)
  const examples = exampleStore(db)
  let collecting: Promise<unknown> = Promise.resolve()

  async function get(name: Slug): Promise<DatasetSummary> {
    const found = await store.get(name)
    if (found === undefined) throw new AppError('unknown_dataset', `there is no dataset ${name}: make it first (POST /v1/datasets)`)
    return found
  }

  async function formOf(model: Slug): Promise<ExampleForm | null> {
    const form = await options.formOf(model)
    if (form === undefined) throw new AppError('unknown_model', `there is no model ${model}`)
    return form
  }

  const announce = (dataset: string, span: SpanSummary): SpanSummary => {
    events.publish({ type: 'span.added', subject: dataset, data: { dataset, span: span.span, rows: span.rows, source: span.source } })
    return span
  }

  async function addFile(name: Slug, { path, source }: { path: string; source: string }): Promise<SpanSummary> {
    await get(name)
    const rows = await inFolder(folder, (work) => countParquetRows(path, work))
    const { size } = await stat(path)
    const { digest, bytes } = await blobs.put(Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>, { maxBytes: size })
    const span = await db
      .transaction()
      .execute((tx) => datasetStore(tx).addSpan(name, { source, rows, bytes, digest, created: clock.now() }))
    return announce(name, span)
  }

  async function collect(name: Slug, model: Slug): Promise<SpanSummary | null> {
    await get(name)
    await formOf(model)
    const taken = await examples.take(model, limits.perSpan)
    if (taken.length === 0) return null
    const { digest, bytes } = await inFolder(folder, async (work) => {
      const path = join(work, 'examples.parquet')
      await examplesToParquet(taken, SHARED_SOURCE, path, work)
      return blobs.put(Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>)
    })
    const span = await db.transaction().execute(async (tx) => {
      const added = await datasetStore(tx).addSpan(name, { source: SHARED_SOURCE, rows: taken.length, bytes, digest, created: clock.now() })
      await exampleStore(tx).freeze(
        model,
        taken.map(({ id }) => id),
        name,
        added.span,
      )
      return added
    })
    return announce(name, span)
  }

  const schemas = createSchemas({ db, clock, events, dataset: get, statistics: spanStatistics({ blobs, folder }) })

  return {
    schemas,
    list: () => store.list(),
    get,

    async create({ name, description, schema, by = 'shoal' }) {
      const added = await store.add({ name, description, created: clock.now(), schema: null })
      if (!added) throw new AppError('already_exists', `there is a dataset ${name} already`)
      if (schema !== undefined) await schemas.set(name, { schema, reason: 'given when the dataset was made', by })
      return get(name)
    },

    async upload(name, { data, type, source }) {
      await get(name)
      return inFolder(folder, async (work) => {
        const raw = join(work, 'upload')
        await saveStream(data, raw, MAX_BLOB_BYTES)
        const [mime = ''] = type.split(';')
        const format = UPLOADS[mime.trim().toLowerCase()] ?? 'parquet'
        if (format === 'parquet') return addFile(name, { path: raw, source })
        const path = join(work, 'upload.parquet')
        await fileToParquet(raw, 'the upload', format, path, work)
        return addFile(name, { path, source })
      })
    },

    sources: () => Object.entries(sources).map(([source, { kind }]) => ({ name: source as Slug, kind })),

    async importFrom(name, { source: wanted, ...selection }) {
      const { spans } = await get(name)
      const source = Object.hasOwn(sources, wanted) ? sources[wanted] : undefined
      if (source === undefined)
        throw new AppError(
          'not_found',
          `there is no source ${wanted}: whoever runs the server names sources in the file of --sources (${Object.keys(sources).join(', ') || 'none yet'})`,
        )
      return inFolder(folder, async (work) => {
        const path = join(work, 'import.parquet')
        await importSource({ name: wanted, source, selection, to: path, folder: work, timeoutMs: limits.importMs }, clock)
        const from = selectionText(wanted, source.kind, selection)
        // the same rows again are no new arrival
        const digest = await fileDigest(path)
        const same = spans.findLast((span) => span.source === from)
        if (same !== undefined && same.digest === digest) return { span: same, added: false }
        return { span: await addFile(name, { path, source: from }), added: true }
      })
    },

    addFile,

    async share(model, sender, given) {
      const form = await formOf(model)
      const issues = given.flatMap((example, i) => exampleIssues(example, form, `examples.${i}`))
      if (issues.length > 0)
        throw new AppError('shape_mismatch', `${issues[0]?.where}: ${issues[0]?.what}`, { issues: issues.slice(0, 50) })
      const now = clock.now()
      const accepted = await db.transaction().execute(async (tx) => {
        const inside = exampleStore(tx)
        const sent = await inside.sentSince(model, sender, now - DAY)
        if (sent + given.length > limits.perDayAndSender)
          throw new AppError(
            'rate_limited',
            `at most ${limits.perDayAndSender} examples a day are taken from one sender; ${sent} have come`,
          )
        if ((await inside.waiting(model)) + given.length > limits.waiting)
          throw new AppError(
            'storage_full',
            `${limits.waiting} examples of ${model} wait for being collected: start a run that collects them`,
          )
        return inside.add(model, sender, now, given)
      })
      if (accepted > 0) events.publish({ type: 'examples.shared', subject: model, data: { model, accepted } })
      return { accepted, duplicates: given.length - accepted }
    },

    collect: (name, model) => {
      // one after the other: two at once would take the same examples
      const made = collecting.then(() => collect(name, model))
      collecting = made.catch(() => {})
      return made
    },

    arrivalTimes: async (dataset) =>
      (await store.spans(dataset)).filter(({ source }) => source !== SHARED_SOURCE).map(({ created }) => created),

    async arrivals(dataset, model, since) {
      const spans = (await store.spans(dataset)).filter((span) => span.source !== SHARED_SOURCE)
      return {
        newExamples: await examples.waiting(model),
        allExamples: await examples.all(model),
        newSpans: spans.filter((span) => span.created > since).length,
        newestSpan: spans.at(-1)?.span ?? 0,
      }
    },
  }
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(path) as AsyncIterable<Buffer>) hash.update(bytes)
  return hash.digest('hex')
}

/** Bytes of base64 text, from its length alone; undefined where it is not base64. */
function base64Bytes(text: string): number | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  return (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0)
}

function exampleIssues(example: SharedExample, form: ExampleForm | null, where: string): Issue[] {
  const size = example.shape.reduce((product, length) => product * length, 1)
  const bytes = base64Bytes(example.data)
  if (bytes === undefined) return [{ where: `${where}.data`, what: 'is not base64' }]
  if (bytes !== size) return [{ where: `${where}.data`, what: `has ${bytes} bytes, the shape [${example.shape.join(',')}] needs ${size}` }]
  if (form === null) return []
  const issues: Issue[] = []
  const wanted = form.shape.reduce((product, length) => product * length, 1)
  if (size !== wanted)
    issues.push({ where: `${where}.shape`, what: `is [${example.shape.join(',')}], the model takes [${form.shape.join(',')}]` })
  if (form.labels.length > 0 && !form.labels.includes(example.label))
    issues.push({ where: `${where}.label`, what: `${JSON.stringify(example.label)} is none of the model's labels` })
  return issues
}
