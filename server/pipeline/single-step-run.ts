import { AppError } from '../../shared/core/errors.ts'
import type { ArtifactId } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import { metadataStore } from '../metadata/metadata-store.ts'
import type { Db } from '../storage/database.ts'
import type { AnyComponent } from './component.ts'
import type { KnownPipeline } from './known-pipelines.ts'
import { pipelineDigest } from './pipeline.ts'
import { singleStep } from './single-step.ts'

export type SingleStepRun = {
  /** Ids of artifacts. */
  readonly inputs: Readonly<Record<string, ArtifactId>>
  readonly params: JsonObject
  readonly seed: number
  readonly reason: string
  readonly by: string
}

/** What a run of one component by itself is a run of. Throws not_found for a component or an artifact, invalid_input for what does not fit. */
export async function singleStepFrom(
  db: Db,
  components: ReadonlyMap<string, AnyComponent>,
  name: string,
  { inputs, params, seed }: SingleStepRun,
): Promise<{ found: KnownPipeline; params: JsonObject }> {
  const component = components.get(name)
  if (component === undefined)
    throw new AppError('not_found', `there is no component ${name}; there are ${[...components.keys()].join(', ')}`)
  const given = await Promise.all(
    Object.entries(inputs).map(async ([input, id]) => {
      const artifact = await metadataStore(db).artifact(id)
      if (artifact === undefined) throw new AppError('not_found', `input ${input}: there is no artifact ${id}`)
      return [input, artifact] as const
    }),
  )
  const single = singleStep(component, { inputs: Object.fromEntries(given), params, seed })
  return { found: { pipeline: single.pipeline, digest: await pipelineDigest(single.pipeline) }, params: single.params }
}
