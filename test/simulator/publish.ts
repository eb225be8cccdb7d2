import { must } from '../../shared/core/assert.ts'
import { slug } from '../../shared/core/fields.ts'
import type { Client } from '../../shared/contract/client.ts'
import type { VersionSummary } from '../../shared/contract/registry.ts'
import type { DigitModel } from './digit-model.ts'

/** Uploads a model's pieces and registers it as the next version of `model`, which is made if it is not there. `client` needs an admin key. */
export async function registerVersion(
  client: Client,
  model: string,
  { draft, pieces }: DigitModel,
  parent: number | null = null,
): Promise<VersionSummary> {
  const name = slug.parse(model)
  const { items } = await client('models.list')
  if (!items.some((known) => known.name === name)) await client('models.create', { body: { name } })
  for (const { digest, bytes } of pieces) await client('blob.put', { params: { digest }, body: bytes })
  return client('versions.create', { params: { model: name }, body: { draft, parent } })
}

/** Registers a version and points `alias` at it. */
export async function publishVersion(
  client: Client,
  model: string,
  made: DigitModel,
  { alias = 'stable', reason = 'a test' }: { alias?: string; reason?: string } = {},
): Promise<VersionSummary> {
  const version = await registerVersion(client, model, made)
  await client('aliases.set', {
    params: { model: slug.parse(model), alias: slug.parse(alias) },
    body: { version: version.version, reason },
  })
  return must(version, 'a version')
}
