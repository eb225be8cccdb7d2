import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Round } from '../../../shared/contract/federation.ts'
import { must } from '../../../shared/core/assert.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import type { NamedTensors } from '../../../shared/tensor/tensor.ts'
import { literal, openDuck } from '../../../server/datasets/duckdb.ts'
import { PARQUET_OPTIONS } from '../../../server/datasets/duckdb.ts'
import { digitsSchema } from '../../../server/pipelines/digits.ts'
import { digit, digitLabels } from '../../shared/data/mnist.ts'
import { digitModel, digitWeights } from '../../simulator/digit-model.ts'
import { publishVersion } from '../../simulator/publish.ts'
import type { TestServer } from '../harness.ts'

export const DIGITS = 'digits' as Slug

/** Nearest means under noise: right about three times in five, so that there is something to learn. */
function poorWeights(): NamedTensors {
  const { 'output/kernel': kernel, ...rest } = digitWeights({ scale: 0.1 })
  const random = seededRandom(1)
  const { shape, data } = must(kernel, 'the kernel')
  return { 'output/kernel': { dtype: 'float32', shape, data: Float32Array.from(data, (value) => value + 0.05 * normal(random)) }, ...rest }
}

/** The model `digits` with a poor first version that takes the column `pixels`. */
export async function publishBase(server: TestServer): Promise<void> {
  const admin = server.client(server.keys.admin)
  const { draft, pieces } = await digitModel({ weights: poorWeights() })
  const transforms = draft.transforms.map((transform) => ({ ...transform, input: 'pixels' }))
  await publishVersion(admin, DIGITS, { draft: { ...draft, transforms }, pieces })
  await admin('apps.create', { body: { app: DIGITS, models: [DIGITS] } })
}

/** The data set `digits`: so many real digits from `from` on, the first `train` of them to train on, the others to test with. */
export async function addDigits(server: TestServer, { from, train, test }: { from: number; train: number; test: number }): Promise<void> {
  const { datasets } = server.services
  await datasets.create({ name: DIGITS, description: '', schema: digitsSchema })
  const folder = await mkdtemp(join(tmpdir(), 'shoal-digits-'))
  const duck = await openDuck({ folder })
  try {
    await duck.run('CREATE TABLE digits (id VARCHAR, split VARCHAR, source VARCHAR, label VARCHAR, pixels BLOB, captured BIGINT)')
    const appender = await duck.connection.createAppender('digits')
    for (let i = 0; i < train + test; i++) {
      appender.appendVarchar(`digit-${from + i}`)
      appender.appendVarchar(i < train ? 'train' : 'test')
      appender.appendVarchar('mnist')
      appender.appendVarchar(String(must(digitLabels[from + i], 'a label')))
      appender.appendBlob(digit(from + i))
      appender.appendBigInt(0n)
      appender.endRow()
    }
    appender.closeSync()
    const path = join(folder, 'digits.parquet')
    await duck.run(`COPY digits TO ${literal(path)} ${PARQUET_OPTIONS}`)
    await datasets.addFile(DIGITS, { path, source: 'test' })
  } finally {
    duck.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The first answer that is one. */
export async function until<T>(what: string, find: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 12_000
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`${what}: not within 12 s`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

export const roundIn = (server: TestServer, state: Round['state']): Promise<Round> =>
  until(`a round that is ${state}`, async () =>
    (await server.services.federation.list({ model: DIGITS })).find((round) => round.state === state),
  )
