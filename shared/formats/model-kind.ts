import { AppError } from '../core/errors.ts'
import type { ModelFile } from './tfjs-files.ts'

/** Files that people mistake for ones a browser runs, by how they begin, and what to do about it. */
const FOREIGN: readonly (readonly [RegExp | readonly string[], string])[] = [
  [/^\s*<(!doctype|html|\?xml)/i, 'a web page, probably what a server said in place of the file'],
  [/^.HDF\r\n/s, 'a Keras HDF5 file: convert it with tensorflowjs_converter'],
  [
    ['PK\u0003\u0004'],
    'a zip archive (a .keras or PyTorch file, perhaps): export the model as ONNX, or convert it with tensorflowjs_converter',
  ],
  [/^....TFL3/s, 'a TensorFlow Lite file: convert its source model to ONNX or a tfjs graph model'],
  [
    ['\u0080\u0002', '\u0080\u0003', '\u0080\u0004', '\u0080\u0005'],
    'a Python pickle, which is code and never loaded: export the model as ONNX',
  ],
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer: fetch the file itself (git lfs pull)'],
  [/^GGUF/, 'a GGUF file, which no runtime here takes'],
]

export type ModelKind = 'tfjs' | 'onnx' | 'safetensors'

/**
 * What kind of model these files are, and which of them describes it, by what is in them; names only break ties. Throws invalid_document for what no runtime here
 * takes.
 */
export function modelKind(files: readonly ModelFile[]): { kind: ModelKind; main: ModelFile; others: readonly ModelFile[] } {
  const begin = (file: ModelFile): string => String.fromCharCode(...file.bytes.subarray(0, 64))
  const refuse = (where: string, what: string): AppError =>
    new AppError('invalid_document', `${where} is ${what}`, { issues: [{ where, what }] })
  for (const file of files) {
    if (file.bytes.length === 0) throw refuse(file.name, 'empty')
    const text = begin(file)
    const foreign = FOREIGN.find(([beginning]) =>
      beginning instanceof RegExp ? beginning.test(text) : beginning.some((one) => text.startsWith(one)),
    )
    if (foreign !== undefined) throw refuse(file.name, foreign[1])
  }
  // weights may begin with any byte
  const begun = files.filter((file) => /^\s*\{/.test(begin(file)))
  const named = begun.filter(({ name }) => /\.json$/i.test(name))
  const json = named.length > 0 ? named : begun
  const [description] = json
  if (description !== undefined) {
    if (json.length > 1) throw refuse(json[1]?.name ?? '', 'a second JSON file: hand over one model at a time')
    return { kind: 'tfjs', main: description, others: files.filter((file) => file !== description) }
  }
  const [main, second] = files
  if (main === undefined) throw new AppError('invalid_input', 'a model has at least one file')
  if (second !== undefined) throw refuse(second.name, 'more than an ONNX file has; a tfjs model needs its model.json too')
  // eight bytes of length, then the header's {
  return { kind: main.bytes[8] === 0x7b && main.bytes[7] === 0 ? 'safetensors' : 'onnx', main, others: [] }
}
