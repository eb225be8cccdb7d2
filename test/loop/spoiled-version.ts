import * as z from 'zod'
import type { Client } from '../../shared/contract/client.ts'
import type { Slug } from '../../shared/core/ids.ts'
import { must } from '../../shared/core/assert.ts'
import { unwrap } from '../../shared/core/result.ts'
import { selfTestOf } from '../../shared/tensor/golden.ts'
import { asNumbers } from '../../shared/tensor/model-tensor.ts'
import { decodeTensor, encodeTensor } from '../../shared/tensor/tensor-json.ts'
import { MANIFEST_TYPE, manifest, manifestDraft } from '../../shared/trust/manifest.ts'
import { parseDocument } from '../../shared/trust/parse-document.ts'

/** Registers a copy of a version whose golden outputs are not what the model gives: well formed, signed, and unfit to run. The new version's number. */
export async function spoilSelfTest(client: Client, model: Slug, version: number): Promise<number> {
  const summary = await client('versions.get', { params: { model, version: String(version) } })
  const envelope = await client('manifest.get', { params: { digest: summary.manifest } })
  const document = unwrap(parseDocument(envelope, MANIFEST_TYPE, manifest))
  const selfTest = selfTestOf(document.selfTest)
  const output = asNumbers(decodeTensor(must(selfTest.outputs[0], 'a golden output')), 'output')
  const data = Float32Array.from(output.data, (value) => 1 - value)
  const draft = z.parse(manifestDraft, {
    ...document,
    selfTest: { ...selfTest, outputs: [encodeTensor({ dtype: 'float32', shape: output.shape, data })] },
  })
  const registered = await client('versions.create', { params: { model }, body: { draft, parent: version } })
  return registered.version
}
