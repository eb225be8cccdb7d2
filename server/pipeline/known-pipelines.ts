import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { AnyComponent } from './component.ts'
import { type Pipeline, pipelineDigest } from './pipeline.ts'
import { SHIPPED_COMPONENTS } from './shipped-components.ts'
import { singleStepNamed } from './single-step.ts'

export type KnownPipeline = { readonly pipeline: Pipeline; readonly digest: Sha256 }

/** The pipelines that were defined since the start. */
export function knownPipelines() {
  const known = new Map<string, KnownPipeline>()

  /** Those that ship, and those of the pipelines that were defined. */
  const components = (): ReadonlyMap<string, AnyComponent> => {
    const own = [...known.values()].flatMap(({ pipeline }) => Object.values(pipeline.steps).map(({ component }) => component))
    return new Map([...SHIPPED_COMPONENTS, ...own].map((component) => [component.name, component]))
  }

  return {
    components,
    get: (name: string): KnownPipeline | undefined => known.get(name),
    all: (): KnownPipeline[] => [...known.values()],
    add: (one: KnownPipeline): void => void known.set(one.pipeline.name, one),

    /** A pipeline that was defined, or one component by itself. */
    async find(name: string): Promise<KnownPipeline | undefined> {
      const found = known.get(name)
      if (found !== undefined) return found
      const pipeline = singleStepNamed(name, components())
      return pipeline && { pipeline, digest: await pipelineDigest(pipeline) }
    },

    /** Throws unknown_pipeline. */
    of(name: string): KnownPipeline {
      const found = known.get(name)
      if (found === undefined)
        throw new AppError('unknown_pipeline', `there is no pipeline ${name}; there are ${[...known.keys()].join(', ') || 'none'}`)
      return found
    },
  }
}
