import { canonicalJson } from '../../../shared/core/canonical-json.ts'
import { inputsOf } from '../../../shared/data/transforms.ts'
import { isForestTopology, treesIn } from '../../../shared/trees/forest-file.ts'
import type { Manifest } from '../../../shared/trust/manifest.ts'
import type { Preparation } from './example-form.ts'
import type { Recipe } from './recipe.ts'
import { topologyOf } from './recipe-network.ts'

/** Trees beyond which a forest is not gone on from: each retraining adds some, and devices walk all of them. */
const MOST_TREES = 10_000

/** Why training by this recipe cannot go on from a version; undefined where it can. */
export function cannotGoOn(version: Manifest, recipe: Recipe, prepared: Preparation): string | undefined {
  const kinds = (transforms: Preparation['transforms']) => canonicalJson(transforms.map((one) => [one.kind, ...inputsOf(one)]))
  if (canonicalJson(version.labels) !== canonicalJson(prepared.labels) || kinds(version.transforms) !== kinds(prepared.transforms))
    return 'has other labels or inputs'
  const { runtime } = version.requires
  const wanted = recipe.architecture.kind === 'trees' ? 'trees' : 'tfjs-layers'
  if (runtime !== wanted) return `is a model of the kind ${runtime}, where the recipe makes ${wanted}`
  if (!isForestTopology(version.topology)) return undefined
  if (canonicalJson(version.topology) !== canonicalJson(topologyOf(recipe, prepared))) return 'takes rows of another width'
  const trees = treesIn(version.tensors)
  return trees + recipe.epochs > MOST_TREES ? `has ${trees} trees, and more than ${MOST_TREES} in all are not made` : undefined
}
