import { must } from '../core/assert.ts'
import { backend_util, getKernel, type TensorInfo } from './tf.ts'
import { putKernel, release, runStock } from './wasm-heap.ts'

type Inputs = Parameters<typeof backend_util.checkEinsumDimSizes>[2]

/** Einstein summation, which the WASM backend lacks: transposes, products and sums along the path that tfjs plans. */
export function registerEinsum(): void {
  const [transpose, multiply, sum] = [getKernel('Transpose', 'wasm'), getKernel('Multiply', 'wasm'), getKernel('Sum', 'wasm')]
  putKernel('Einsum', undefined, (inputs, attrs, backend) => {
    const tensors = Object.values(inputs)
    const { allDims, summedDims, idDims } = backend_util.decodeEinsumEquation(attrs['equation'] as string, tensors.length)
    backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors as Inputs)
    const { path, steps } = backend_util.getEinsumComputePath(summedDims, idDims)
    const made: TensorInfo[] = []
    const keep = (info: TensorInfo): TensorInfo => {
      made.push(info)
      return info
    }
    let out: TensorInfo | undefined
    let left = allDims.length
    for (const [i, step] of steps.entries()) {
      for (const id of step) {
        const { permutationIndices: perm, expandDims } = backend_util.getEinsumPermutation(left, must(idDims[id], 'the dimensions'))
        const x = keep(runStock(transpose, backend, { x: must(tensors[id], 'an input') }, { perm }))
        const shape = [...x.shape]
        for (const axis of expandDims) shape.splice(axis, 0, 1)
        const factor = { ...x, shape }
        out = out === undefined ? factor : keep(runStock(multiply, backend, { a: factor, b: out }, {}))
      }
      if (i === steps.length - 1) break
      const axis = must(path[i], 'a step of the path')
      if (axis >= 0)
        out = keep(runStock(sum, backend, { x: must(out, 'a product') }, { axis: axis - (allDims.length - left), keepDims: false }))
      left--
    }
    const result = must(out, 'a result')
    release(backend, ...made.filter(({ dataId }) => dataId !== result.dataId))
    return result
  })
}
