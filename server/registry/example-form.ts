import { AppError } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import type { Registry } from './registry-service.ts'

/**
 * What an example of a model must look like: the input of its newest version without the batch dimension, and its labels. Null while it has no version,
 * undefined when there is no such model.
 */
export async function exampleForm(
  registry: Registry,
  model: Slug,
): Promise<{ shape: readonly number[]; labels: readonly string[] } | null | undefined> {
  try {
    const { latest } = await registry.getModel(model)
    if (latest === null) return null
    const { signature, labels, transforms } = await registry.manifestOf(model, latest)
    // images come as the app has them; what the network takes may be smaller
    const image = transforms.find((each) => each.kind === 'image-scale')
    if (image) return { shape: [image.height, image.width, image.channels], labels }
    return { shape: signature.inputs[0]?.shape.slice(1) ?? [], labels }
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'unknown_model') return undefined
    throw thrown
  }
}
