import type { Tensor } from 'onnxruntime-web'
import type { BackendOptions } from '../../../shared/compute/backends.ts'
import { onnxModule } from '../../../shared/compute/onnx-module.ts'
import { must } from '../../../shared/core/assert.ts'
import type { ModelTensor } from '../../../shared/tensor/model-tensor.ts'
import type { Bare } from './bare.ts'

/** An ONNX file as somebody would run it who uses onnxruntime-web by itself: new tensors, `run`, `getData`, `dispose`. */
export async function bareOnnx(
  file: Uint8Array,
  inputs: readonly ModelTensor[],
  provider: 'wasm' | 'webgpu',
  options: BackendOptions,
): Promise<Bare> {
  const ort = await onnxModule(provider, options)
  const session = await ort.InferenceSession.create(file, { executionProviders: [provider] })
  return {
    async predict() {
      const feeds: Record<string, Tensor> = {}
      for (const [i, name] of session.inputNames.entries()) {
        const { dtype, data, shape } = must(inputs[i], name)
        feeds[name] = new ort.Tensor(dtype as 'float32', data as Float32Array, [...shape])
      }
      const answers = await session.run(feeds)
      const values: ArrayLike<unknown>[] = []
      for (const name of session.outputNames) {
        const answer = must(answers[name], name)
        values.push((await answer.getData()) as Float32Array)
        answer.dispose()
      }
      return values
    },
    dispose: () => void session.release(),
  }
}
