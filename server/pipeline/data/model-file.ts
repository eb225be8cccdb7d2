import { readFile } from 'node:fs/promises'
import type { Bytes } from '../../../shared/core/bytes.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { decodeSafetensors, encodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import type { ModelFormat } from '../../../shared/trust/model-format.ts'
import { isForestTopology } from '../../../shared/trees/forest-file.ts'
import type { NamedTensors } from '../../../shared/tensor/tensor.ts'

/** A trained model: safetensors, whose metadata holds the topology and the weights' order as JSON. */
export type ModelFile = { readonly topology: JsonObject; readonly tensors: NamedTensors }

/** What such a file holds follows from its topology. */
export const formatOf = ({ topology }: Pick<ModelFile, 'topology'>): ModelFormat => (isForestTopology(topology) ? 'trees' : 'tfjs-layers')

export const encodeModel = ({ topology, tensors }: ModelFile): Bytes =>
  encodeSafetensors(tensors, { format: 'shoal-model', topology: JSON.stringify(topology), order: JSON.stringify(Object.keys(tensors)) })

/** Throws invalid_document for another kind of file. */
export function decodeModel(bytes: Uint8Array): ModelFile {
  const { tensors, metadata } = decodeSafetensors(bytes)
  if (metadata['format'] !== 'shoal-model' || metadata['topology'] === undefined)
    throw new AppError('invalid_document', 'the safetensors file holds no topology')
  const order = JSON.parse(metadata['order'] ?? '[]') as string[]
  const ordered = Object.fromEntries(order.flatMap((name) => (tensors[name] === undefined ? [] : [[name, tensors[name]]])))
  return { topology: JSON.parse(metadata['topology']) as JsonObject, tensors: { ...ordered, ...tensors } }
}

export const readModel = async (path: string): Promise<ModelFile> => decodeModel(await readFile(path))
