import { toBase64 } from '../../shared/core/bytes.ts'
import type { SharedExample } from '../../shared/contract/datasets.ts'
import type { RecentAnswer } from './recent-answers.ts'

/** An example as it is shared: the image in bytes. Undefined for inputs that have no such form, which are rows of tables. */
export function sharedExampleOf(id: string, answer: RecentAnswer, label: string): SharedExample | undefined {
  const { input, manifest, at } = answer
  const shape = manifest.signature.inputs[0]?.shape.slice(1)
  if (shape === undefined || manifest.monitors !== 'image' || !(Array.isArray(input) || ArrayBuffer.isView(input))) return undefined
  const scale = input instanceof Float32Array ? 255 : 1
  const bytes = Uint8ClampedArray.from(input as ArrayLike<number>, (value) => value * scale)
  return { id, captured: at, label, shape, data: toBase64(new Uint8Array(bytes.buffer)) }
}
