import { importLayers } from '../../shared/compute/import-layers.ts'
import type { RuntimeModel } from '../../shared/compute/load-runtime.ts'
import { canonicalJson } from '../../shared/core/canonical-json.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import { modelKind } from '../../shared/formats/model-kind.ts'
import { cutOnnxFile } from '../../shared/formats/onnx-cuts.ts'
import { readOnnxFile } from '../../shared/formats/onnx-file.ts'
import { type ModelFile, readTfjsModel } from '../../shared/formats/tfjs-files.ts'
import type { ModelFormat } from '../../shared/trust/model-format.ts'
import { decodeModel, formatOf } from '../pipeline/data/model-file.ts'

export type ReadModel = RuntimeModel & { readonly format: ModelFormat; readonly description: string }

/** The newest opset of ai.onnx that onnxruntime 1.30 takes. */
const NEWEST_OPSET = 26

function readOnnx({ bytes }: ModelFile): ReadModel {
  const file = readOnnxFile(bytes)
  const version = file.opsets.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0
  if (version > NEWEST_OPSET)
    throw new AppError(
      'unsupported_op',
      `the file asks for opset ${version} of ai.onnx, onnxruntime here has up to ${NEWEST_OPSET}: export it for an older one`,
      {
        issues: [{ where: 'opset_import', what: `ai.onnx ${version}` }],
      },
    )
  const description = `ONNX, opset ${version}${file.producer === '' ? '' : `, by ${file.producer}`}, ${file.operators.length} kinds of operators`
  return { format: 'onnx', ...cutOnnxFile(bytes, file), description }
}

async function readTfjs(main: ModelFile, others: readonly ModelFile[]): Promise<ReadModel> {
  const model = readTfjsModel(main, others)
  const { modelTopology, signature, userDefinedMetadata, modelInitializer, initializerSignature, generatedBy } = model.json
  const by = generatedBy ? `, by TensorFlow ${generatedBy}` : ''
  if (model.kind === 'layers') return { format: 'tfjs-layers', ...(await importLayers(model)), description: `tfjs layers model${by}` }
  const parts = { modelTopology, signature, userDefinedMetadata, modelInitializer, initializerSignature, weights: model.weights }
  const topology = Object.fromEntries(
    Object.entries(parts).filter(([, part]) => part !== null && part !== undefined),
  ) as unknown as JsonObject
  const nodes = (modelTopology['node'] as readonly unknown[]).length
  return { format: 'tfjs-graph', topology, tensors: model.tensors, description: `tfjs graph model of ${nodes} nodes${by}` }
}

async function read(files: readonly ModelFile[]): Promise<ReadModel> {
  const { kind, main, others } = modelKind(files)
  if (kind === 'onnx') return readOnnx(main)
  if (kind === 'tfjs') return readTfjs(main, others)
  const model = decodeModel(main.bytes)
  const format = formatOf(model)
  return { format, ...model, description: `${format === 'trees' ? 'boosted trees' : 'layers model'} in safetensors` }
}

/** A model out of its files, without running it. Throws invalid_document, unsupported_op. */
export async function readModel(files: readonly ModelFile[]): Promise<ReadModel> {
  const model = await read(files)
  // as devices get it: a graph's outputs stand in the order of its signature's members, which a manifest sorts
  return { ...model, topology: JSON.parse(canonicalJson(model.topology)) as JsonObject }
}
