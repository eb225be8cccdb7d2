import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { type GivenTensor, givenTensor } from '../../../shared/contract/imports.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { command, UsageError } from '../command.ts'
import { modelFiles } from '../model-files.ts'
import { bytesText } from '../../analysis/figures.ts'
import { fieldsText } from '../output.ts'

type Port = { readonly name: string; readonly datatype: string; readonly shape: readonly number[] }
const portText = ({ name, datatype, shape }: Port): string =>
  `${name} ${datatype}[${shape.map((size) => (size < 0 ? '?' : size)).join(',')}]`

export const importModel = command({
  name: 'import',
  description: 'Register a version from a model file: ONNX, or a tfjs graph or layers model',
  args: {
    model: { type: 'positional', required: true, description: 'Name of the model; made where there is none' },
    file: { type: 'positional', required: true, description: 'An .onnx file, or a model.json (its weight files are found beside it)' },
    labels: {
      type: 'string',
      description: 'Of a classifier: a,b,c in the order of its output, or a file with one a line',
      valueHint: 'list|file',
    },
    example: {
      type: 'string',
      description: 'Inputs to try the model with, as JSON or a file of it: {"input":{"shape":[1,512]},"rate":{"data":[16000]}}',
      valueHint: 'json|file',
    },
    notes: { type: 'string', description: 'What is to be known about this version' },
  },
  rest: 'FILE …',
  async run({ args, rest, client, output }) {
    const [labels, example] = [await labelsIn(args.labels), await exampleIn(args.example)]
    const files = await modelFiles([args.file, ...rest])
    for (const { digest, bytes } of files) await client('blob.put', { params: { digest }, body: bytes })
    const made = await client('versions.import', {
      params: { model: args.model },
      body: { files: files.map(({ name, digest }) => ({ name, digest })), labels, example, notes: args.notes ?? '' },
    })
    const { version, signature } = made
    output.answer(made, () =>
      fieldsText([
        ['version', `${version.model} ${version.version}`],
        ['kind', made.description],
        ['runtime', made.runtime],
        ['size', bytesText(version.bytes)],
        ['inputs', signature.inputs.map(portText).join('; ')],
        ['outputs', signature.outputs.map(portText).join('; ')],
        ['release', `npx shoal alias ${version.model} stable ${version.version} --reason "…"`],
      ]),
    )
    return 0
  },
})

async function textIn(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('not_found', `${path} cannot be read`, { cause })
  })
}

async function labelsIn(given: string | undefined): Promise<string[]> {
  if (given === undefined) return []
  const list = given.includes(',') ? given.split(',') : (await textIn(given)).split(/\r?\n/)
  return list.map((label) => label.trim()).filter((label) => label !== '')
}

async function exampleIn(given: string | undefined): Promise<Record<string, GivenTensor>> {
  if (given === undefined) return {}
  let value: unknown
  try {
    value = JSON.parse(given.trimStart().startsWith('{') ? given : await textIn(given))
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new UsageError(`--example is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
  const parsed = z.record(z.string(), givenTensor).safeParse(value)
  if (!parsed.success)
    throw new UsageError(
      `--example names each input with its shape or data, such as {"input":{"shape":[1,512]}}: ${parsed.error.issues[0]?.path.join('.')} does not`,
    )
  return parsed.data
}
