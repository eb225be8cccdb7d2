import { AppError } from '../core/errors.ts'
import { describe } from '../tensor/tensor.ts'
import type { LayersModel } from './tf.ts'

/** A tensor must be smaller than this for a backend to hold it: WASM kernels count its bytes in signed integers, and an adapter that allows more than that for one buffer is rare. */
const LARGEST_BYTES = 2 ** 31

type Shape = readonly (number | null)[]
type Answer = { readonly layer: string; readonly shape: Shape; readonly bytes: number }

function answersOf(model: LayersModel): Answer[] {
  return model.layers.flatMap((layer) => {
    let given: Shape | readonly Shape[]
    try {
      given = layer.outputShape as Shape | readonly Shape[]
    } catch {
      // a layer that is used twice, on different shapes, has no single one
      return []
    }
    const shapes = (Array.isArray(given[0]) ? given : [given]) as readonly Shape[]
    return shapes.map((shape) => ({
      layer: layer.name,
      shape,
      bytes: shape.reduce<number>((product, size) => product * (size ?? 1), 4),
    }))
  })
}

/**
 * What to call with the number of examples before a pass: throws out_of_memory, naming layer and size, where a layer's answer can be held nowhere. tfjs would
 * ask its WASM module for the size modulo 4 GiB, and then compute beyond what it got.
 */
export function memoryCheck(model: LayersModel): (batch: number) => void {
  const largest = answersOf(model).reduce<Answer | undefined>((a, b) => (a === undefined || b.bytes > a.bytes ? b : a), undefined)
  return (batch) => {
    if (largest === undefined || largest.bytes * batch < LARGEST_BYTES) return
    const shape = largest.shape.map((size, axis) => size ?? (axis === 0 ? batch : 1))
    const gib = ((largest.bytes * batch) / 2 ** 30).toFixed(1)
    const what = `${describe({ dtype: 'float32', shape })} takes ${gib} GiB, it must be below ${LARGEST_BYTES / 2 ** 30} GiB`
    throw new AppError('out_of_memory', `the answer of layer ${largest.layer}, ${what}`, { issues: [{ where: largest.layer, what }] })
  }
}
