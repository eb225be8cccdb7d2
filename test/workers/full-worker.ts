// the real compute worker, in which the message "fill" takes all of the memory that the WASM backend can get, but for a little
import { type BackendWasm, findBackend } from '../../shared/compute/tf.ts'
import '../../workers/inference/main.ts'

const MIB = 2 ** 20
/** Enough for small models. */
const LEFT = 32 * MIB

function fill(): void {
  const { wasm } = findBackend('wasm') as BackendWasm
  const { _malloc, _free } = wasm as typeof wasm & { _malloc(bytes: number): number; _free(at: number): void }
  const left = _malloc(LEFT)
  for (const chunk of [256 * MIB, 16 * MIB, MIB]) {
    try {
      for (;;) _malloc(chunk)
    } catch {
      // there is no room for another
    }
  }
  _free(left)
}

self.addEventListener('message', ({ data }) => {
  if (data !== 'fill') return
  fill()
  postMessage('filled')
})
