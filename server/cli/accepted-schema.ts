import type { Client } from '../../shared/contract/client.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { DatasetSchema } from '../../shared/data/schema.ts'

/** Throws not_found where the dataset has none yet. */
export async function acceptedSchema(client: Client, dataset: string): Promise<DatasetSchema> {
  const { schema } = await client('datasets.get', { params: { dataset } })
  if (schema !== null) return schema
  throw new AppError('not_found', `dataset ${dataset} has no accepted schema: \`shoal schemas infer ${dataset} --reason …\` proposes one`)
}
