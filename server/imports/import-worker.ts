import { parentPort } from 'node:worker_threads'
import type { Endpoint } from 'comlink'
import type { TensorSpec } from '../../shared/compute/runtime.ts'
import { makeSelfTest, runSelfTest } from '../../shared/compute/self-test.ts'
import { must } from '../../shared/core/assert.ts'
import { AppError } from '../../shared/core/errors.ts'
import { unwrap } from '../../shared/core/result.ts'
import { DATATYPE_OF, isModelDtype } from '../../shared/tensor/model-tensor.ts'
import { makePieces } from '../../shared/tensor/pieces.ts'
import type { ManifestDraft } from '../../shared/trust/manifest.ts'
import { serveWorker } from '../../shared/worker/serve-worker.ts'
import { openRuntime } from './open-runtime.ts'
import { IMPORT_PROTOCOL, type ImportApi } from './import-api.ts'
import { readModel } from './read-model.ts'
import { trialInputs } from './trial-inputs.ts'

type Entry = ManifestDraft['signature']['inputs'][number]

function entryOf({ name, dtype, shape }: TensorSpec): Entry {
  if (!isModelDtype(dtype)) throw new AppError('unsupported_op', `${name} is ${dtype}, which no app can be given`)
  return { name, datatype: DATATYPE_OF[dtype], shape: shape.map((size) => size ?? -1) }
}

/** The thread in which strangers' files are read and tried: whatever they do, the server goes on. */
const api: ImportApi = {
  async read({ files, labels, example }) {
    const { description, ...model } = await readModel(files)
    const runtime = await openRuntime(model)
    try {
      const selfTest = await makeSelfTest(runtime, trialInputs(runtime.inputs, example))
      // the same question again: a model that draws lots could never prove itself on a device
      unwrap(await runSelfTest(runtime, selfTest))
      const inputs = runtime.inputs.map(entryOf)
      // a graph may not say what shape it answers with; what it answered tells how many axes there are
      const outputs = runtime.outputs.map((spec, i) => {
        const got = must(selfTest.outputs[i], 'an output')
        return entryOf(spec.shape.length === got.shape.length ? spec : { ...spec, dtype: got.dtype, shape: got.shape.map(() => null) })
      })
      const width = selfTest.outputs[0]?.shape.at(-1) ?? 1
      if (labels.length > 0 && width !== labels.length && !(width === 1 && labels.length === 2))
        throw new AppError('invalid_input', `the model answers with ${width} values, there are ${labels.length} labels`)
      const { pieces, tensors } = await makePieces(model.tensors)
      return {
        draft: {
          topology: model.topology,
          tensors: tensors.map((entry) => ({ ...entry, shape: [...entry.shape] })),
          pieces: pieces.map(({ digest, bytes }) => ({ digest, bytes: bytes.length })),
          signature: { inputs, outputs },
          selfTest,
          labels: [...labels],
          requires: { runtime: model.format, shoal: '0.1.0' },
        },
        pieces,
        description,
      }
    } finally {
      runtime.dispose()
    }
  },
}

serveWorker(api, { protocol: IMPORT_PROTOCOL, endpoint: must(parentPort, 'a parent thread') as unknown as Endpoint })
