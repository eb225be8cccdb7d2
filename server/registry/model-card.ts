import * as z from 'zod'
import type { ModelCard } from '../../shared/contract/model-card.ts'
import type { RunDetail } from '../../shared/contract/pipelines.ts'
import type { ModelSummary, VersionSummary } from '../../shared/contract/registry.ts'
import type { VersionTest } from '../../shared/contract/version-tests.ts'
import { fromUtf8 } from '../../shared/core/bytes.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { RunId, Slug } from '../../shared/core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../../shared/core/json.ts'
import { inputsOf } from '../../shared/data/transforms.ts'
import { isForestTopology, treesIn } from '../../shared/trees/forest-file.ts'
import type { Manifest } from '../../shared/trust/manifest.ts'
import { metricsDocument } from '../pipeline/data/metrics-document.ts'
import { limitationsOf } from './card-limitations.ts'

export type CardOptions = {
  readonly model: (model: Slug) => Promise<ModelSummary>
  readonly version: (model: Slug, version: number) => Promise<VersionSummary>
  readonly manifest: (model: Slug, version: number) => Promise<Manifest>
  /** Throws unknown_run. */
  readonly run: (run: RunId) => Promise<RunDetail>
  readonly tests: (model: Slug, version: number) => Promise<VersionTest[]>
  readonly read: (digest: Sha256) => Promise<Uint8Array>
}

const blessing = z.object({ blessed: z.boolean(), checks: z.array(z.object({ ok: z.boolean(), why: z.string() })) })
const runtimeBlessing = z.object({
  blessed: z.boolean(),
  userAgent: z.string().nullable(),
  outcomes: z.array(z.object({ target: z.string(), ok: z.boolean(), why: z.string() })),
})
const history = z.object({ recipe: z.record(z.string(), z.json()) })

const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])
/** Names of the layers of a topology, as far as they can be read; of trees their number. */
function layersOf({ topology, tensors }: Pick<Manifest, 'topology' | 'tensors'>): string[] {
  if (isForestTopology(topology)) return [`${treesIn(tensors)} boosted trees`]
  const outer = isJsonObject(topology['model_config']) ? topology['model_config'] : topology
  const config = outer['config']
  const layers = isJsonObject(config) ? list(config['layers']) : list(config)
  return layers.flatMap((layer) => (isJsonObject(layer) && typeof layer['class_name'] === 'string' ? [layer['class_name']] : []))
}

/** Makes a version's card from what was recorded of it. What is no longer stored is left out, not guessed. */
export function createModelCards(options: CardOptions) {
  return async (name: Slug, number: number): Promise<ModelCard> => {
    const [model, version, manifest] = [
      await options.model(name),
      await options.version(name, number),
      await options.manifest(name, number),
    ]
    const run = version.run === null ? undefined : await options.run(version.run).catch(unlessGone)
    const outputs = (run?.steps ?? []).flatMap((step) => Object.values(step.outputs))
    const content = async <S extends z.ZodType>(type: string, schema: S): Promise<z.output<S> | null> => {
      const found = outputs.find((artifact) => artifact.type === type)
      const digest = found?.digest ?? null
      if (digest === null) return null
      const bytes = await options.read(digest).catch(unlessGone)
      const parsed = bytes === undefined ? undefined : schema.safeParse(JSON.parse(fromUtf8(bytes)))
      return parsed?.success === true ? parsed.data : null
    }
    const metrics = await content('metrics', metricsDocument)
    const learnt = await content('history', history)
    const splits = outputs
      .filter(({ type }) => type === 'split')
      .map(({ properties }): [string, number] => [String(properties['split']), Number(properties['rows'] ?? 0)])
    const trials = outputs.find(({ type }) => type === 'trials')?.properties['trials']
    const card: Omit<ModelCard, 'limitations'> = {
      schemaVersion: 1,
      model: {
        name: model.name,
        description: model.description,
        version: version.version,
        created: version.created,
        parent: version.parent,
        aliases: version.aliases,
        revoked: version.revoked?.reason ?? null,
        manifest: version.manifest,
        bytes: version.bytes,
        parameters: manifest.tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
        layers: layersOf(manifest),
        inputs: [...new Set(manifest.transforms.flatMap(inputsOf))],
        labels: [...manifest.labels],
        notes: version.notes,
      },
      training:
        run === undefined
          ? null
          : {
              run: run.id,
              pipeline: run.pipeline,
              pipelineDigest: run.pipelineDigest,
              dataset: manifest.lineage.dataset,
              sources: outputs
                .filter(({ type }) => type === 'data')
                .flatMap(({ properties }) => list(properties['sources']).filter(isJsonObject)),
              splits: Object.fromEntries(splits),
              recipe: (learnt?.recipe as JsonObject | undefined) ?? null,
              trialCount: typeof trials === 'number' ? trials : 0,
            },
      evaluation: metrics,
      validation: await content('blessing', blessing),
      runtime: await content('runtime-blessing', runtimeBlessing),
      tests: await options.tests(name, number),
      promised: manifest.promised,
    }
    return { ...card, limitations: limitationsOf(card, metrics?.passedOver ?? {}) }
  }
}

function unlessGone(thrown: unknown): undefined {
  if (thrown instanceof AppError && (thrown.code === 'unknown_run' || thrown.code === 'unknown_blob')) return undefined
  throw thrown
}
