import * as tf from '@tensorflow/tfjs-core'

/**
 * Registers the one kernel that tfjs's WASM backend lacks for this network, the filter gradient of a convolution with stride 1, from slice, concat, transpose and
 * matMul, as one would in an afternoon. Nothing else is touched.
 */
export function registerCompositeKernels(): void {
  tf.registerKernel({
    kernelName: 'Conv2DBackpropFilter',
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const engine = tf.engine()
      const x = engine.makeTensorFromTensorInfo(must(inputs['x'])) as tf.Tensor4D
      const dy = engine.makeTensorFromTensorInfo(must(inputs['dy'])) as tf.Tensor4D
      const { filterShape, pad } = attrs as unknown as { filterShape: [number, number, number, number]; pad: 'same' | 'valid' }
      const [height, width, channels, filters] = filterShape
      return tf.tidy(() => {
        const [images, outHeight, outWidth] = dy.shape
        const around = (kernel: number): [number, number] =>
          pad === 'same' ? [Math.floor((kernel - 1) / 2), Math.ceil((kernel - 1) / 2)] : [0, 0]
        const padded = tf.pad(x, [[0, 0], around(height), around(width), [0, 0]])
        const taps: tf.Tensor[] = []
        for (let ky = 0; ky < height; ky++)
          for (let kx = 0; kx < width; kx++) taps.push(tf.slice(padded, [0, ky, kx, 0], [images, outHeight, outWidth, channels]))
        const patches = tf.reshape(tf.concat(taps, 3), [images * outHeight * outWidth, height * width * channels])
        const gradient = tf.matMul(tf.transpose(patches), tf.reshape(dy, [images * outHeight * outWidth, filters]))
        return tf.reshape(gradient, filterShape)
      })
    },
  })
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('an input is missing')
  return value
}
