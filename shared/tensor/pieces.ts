import { must } from '../core/assert.ts'
import { type Bytes, concatBytes } from '../core/bytes.ts'
import { type Sha256, sha256 } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import { MAX_PIECE_BYTES, MIN_PIECE_BYTES } from '../core/limits.ts'
import { bytesOf, type Dtype, type NamedTensors, type TensorData, tensorBytes, tensorFromBytes } from './tensor.ts'

/** Content-addressed raw little-endian bytes of one or more whole tensors. */
export type Piece = { readonly digest: Sha256; readonly bytes: Bytes }

/** Where a tensor's bytes are: `bytes` of them at `offset` of piece number `piece`. `digest` is of the tensor's bytes alone. */
export type TensorEntry = {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly digest: Sha256
  readonly piece: number
  readonly offset: number
  readonly bytes: number
}

export type PieceSizes = { readonly min: number; readonly max: number }

const SIZES: PieceSizes = { min: MIN_PIECE_BYTES, max: MAX_PIECE_BYTES }

/** The layer of `conv_1/kernel`: tensors of one layer stay together. */
const layerOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('/')))

type Sized = { readonly name: string; readonly tensor: TensorData; readonly bytes: number }

/**
 * Groups tensors into pieces along layer borders. Cuts depend on names and sizes only, never on values, so two versions of one architecture
 * are cut alike and a piece none of whose tensors changed is the same blob. A tensor above `max` is a piece of its own: it alone is larger.
 * The last layers, which fine-tuning changes first, do not share a piece with what stands before them once that piece has `min` bytes.
 */
function group(tensors: readonly Sized[], sizes: PieceSizes): Sized[][] {
  const layers: Sized[][] = []
  for (const tensor of tensors) {
    const last = layers.at(-1)
    if (last !== undefined && layerOf(must(last[0], 'a tensor').name) === layerOf(tensor.name)) last.push(tensor)
    else layers.push([tensor])
  }
  const pieces: Sized[][] = []
  let open: Sized[] = []
  let size = 0
  const close = () => {
    if (open.length > 0) pieces.push(open)
    open = []
    size = 0
  }
  for (const layer of layers) {
    const layerBytes = layer.reduce((sum, { bytes }) => sum + bytes, 0)
    if (size >= sizes.min || size + layerBytes > sizes.max) close()
    for (const tensor of layer) {
      // a layer above the limit is cut between its tensors
      if (size > 0 && size + tensor.bytes > sizes.max) close()
      open.push(tensor)
      size += tensor.bytes
    }
  }
  close()
  return pieces
}

/** Pieces of 1 to 4 MB (unless `sizes` says else) in the order of `tensors`, which should be the model's own, and where each tensor is. */
export async function makePieces(tensors: NamedTensors, sizes: PieceSizes = SIZES): Promise<{ pieces: Piece[]; tensors: TensorEntry[] }> {
  const sized = Object.entries(tensors).map(([name, tensor]) => ({ name, tensor, bytes: bytesOf(tensor) }))
  const pieces: Piece[] = []
  const entries: TensorEntry[] = []
  // an empty tensor lies anywhere
  const empty = sized.filter(({ bytes }) => bytes === 0)
  for (const members of group(
    sized.filter(({ bytes }) => bytes > 0),
    sizes,
  )) {
    const index = pieces.length
    const first = entries.length
    let offset = 0
    const parts: Bytes[] = []
    for (const { name, tensor, bytes } of members) {
      const raw = tensorBytes(tensor)
      entries.push({ name, dtype: tensor.dtype, shape: [...tensor.shape], digest: await sha256(raw), piece: index, offset, bytes })
      parts.push(raw)
      offset += bytes
    }
    const all = concatBytes(parts)
    const digest = await sha256(all)
    const same = pieces.findIndex((piece) => piece.digest === digest)
    if (same < 0) pieces.push({ digest, bytes: all })
    // tied weights: the same bytes under two names are one piece
    else for (let i = first; i < entries.length; i++) entries[i] = { ...(entries[i] as TensorEntry), piece: same }
  }
  const nothing = await sha256(new Uint8Array())
  if (pieces.length === 0 && empty.length > 0) pieces.push({ digest: nothing, bytes: new Uint8Array() })
  for (const { name, tensor } of empty) {
    entries.push({ name, dtype: tensor.dtype, shape: [...tensor.shape], digest: nothing, piece: 0, offset: 0, bytes: 0 })
  }
  return { pieces, tensors: entries }
}

/**
 * The named tensors of a table out of its pieces' bytes. Throws digest_mismatch naming the tensor whose bytes are others than its digest says,
 * truncated when a piece is missing or ends too early, invalid_document for a table that names a tensor twice.
 */
export async function assembleTensors(
  table: readonly TensorEntry[],
  pieces: readonly (Uint8Array | undefined)[],
): Promise<Record<string, TensorData>> {
  const tensors: Record<string, TensorData> = {}
  for (const entry of table) {
    const { name, dtype, shape, digest, piece, offset, bytes } = entry
    if (name === '__proto__' || Object.hasOwn(tensors, name))
      throw new AppError('invalid_document', `the tensor table names ${name} ${name === '__proto__' ? '' : 'twice'}`)
    const source = pieces[piece]
    if (source === undefined) throw new AppError('truncated', `piece ${piece}, which holds tensor ${name}, is missing`)
    if (offset < 0 || offset + bytes > source.length)
      throw new AppError('truncated', `tensor ${name} ends at byte ${offset + bytes} of piece ${piece}, which has ${source.length}`)
    const tensor = tensorFromBytes(dtype, shape, source.subarray(offset, offset + bytes), name)
    const found = await sha256(tensorBytes(tensor))
    if (found !== digest)
      throw new AppError('digest_mismatch', `tensor ${name} has digest ${found}, the table says ${digest}`, {
        issues: [{ where: name, what: 'other bytes' }],
      })
    tensors[name] = tensor
  }
  return tensors
}
