import { chooseRuntime, type Chosen } from '../../shared/compute/choose-runtime.ts'
import { computeFingerprint } from '../../shared/compute/backends.ts'
import { runSelfTest } from '../../shared/compute/self-test.ts'
import { selfTestOf } from '../../shared/tensor/golden.ts'
import { assembleTensors } from '../../shared/tensor/pieces.ts'
import { exampleOf } from '../../shared/worker/example-of.ts'
import { onnxFiles, wasmPath } from '../pipeline/data/step-backend.ts'
import type { ServedVersion } from './serving-api.ts'

/**
 * The fastest way to run a version on this server, by the rule of devices: what was remembered under the same runtime and Node version while it still works, else
 * what answers first of those that pass the self-test. Throws what `chooseRuntime` throws, digest_mismatch.
 */
export async function openVersion({
  manifest,
  pieces,
  remembered,
  incumbent,
}: ServedVersion): Promise<Chosen<unknown> & { fingerprint: string }> {
  const tensors = await assembleTensors(manifest.tensors, pieces)
  const fingerprint = await computeFingerprint()
  const selfTest = selfTestOf(manifest.selfTest)
  const chosen = await chooseRuntime({
    model: { format: manifest.requires.runtime, topology: manifest.topology, tensors },
    inputs: exampleOf(manifest),
    candidates: ['wasm', 'plan', 'cpu'],
    wasmPath: wasmPath(),
    onnx: onnxFiles,
    prove: (tried) => runSelfTest(tried, selfTest),
    ...(incumbent === undefined ? {} : { incumbent }),
    ...(remembered?.fingerprint === fingerprint ? { remembered: remembered.choice } : {}),
  })
  return { ...chosen, fingerprint }
}
