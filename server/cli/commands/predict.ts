import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { type PredictInput, predictInput } from '../../../shared/contract/serving.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { command, UsageError, versionOf } from '../command.ts'

/** Values of an output that a terminal shows; `--json` prints all. */
const SHOWN = 6
const valueText = (value: number | string | boolean): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(6))) : String(value)

export const predict = command({
  name: 'predict',
  description: 'Ask a model, on the server',
  args: {
    model: { type: 'positional', required: true, description: 'Name of the model' },
    file: {
      type: 'positional',
      required: true,
      description:
        'JSON: an example or a list; {"shape":[28,28],"data":"base64 of the bytes"} is an image, {"column":value} a row, {"tensors":{"name":{"shape":[1,512],"data":[…]}}} named inputs',
    },
    alias: { type: 'string', description: 'Whose version answers (default: stable)' },
    version: { type: 'string', description: 'Number of the version that answers, in place of an alias' },
  },
  async run({ args, client, output }) {
    if (args.alias !== undefined && args.version !== undefined) throw new UsageError('name --alias or --version, not both')
    const answer = await client('models.predict', {
      params: { model: args.model },
      body: {
        inputs: await examplesIn(args.file),
        ...(args.alias === undefined ? {} : { alias: args.alias }),
        ...(args.version === undefined ? {} : { version: versionOf(args.version) }),
      },
    })
    if (answer.labels.length === 0) {
      const rows = answer.predictions.flatMap(({ outputs = [] }, i) => outputs.map((each) => ({ ...each, number: i + 1 })))
      output.table(
        rows,
        [
          { title: 'EXAMPLE', value: ({ number }) => number, right: true },
          { title: 'OUTPUT', value: ({ name }) => name },
          { title: 'SHAPE', value: ({ datatype, shape }) => `${datatype}[${shape.join(',')}]` },
          { title: 'VALUES', value: ({ data }) => `${data.slice(0, SHOWN).map(valueText).join(' ')}${data.length > SHOWN ? ' …' : ''}` },
          { title: 'VERSION', value: () => answer.version, right: true },
        ],
        answer,
        '',
      )
      return 0
    }
    output.table(
      answer.predictions.map((prediction, i) => ({ ...prediction, number: i + 1 })),
      [
        { title: 'EXAMPLE', value: ({ number }) => number, right: true },
        { title: 'LABEL', value: ({ label }) => label },
        { title: 'CONFIDENCE', value: ({ confidence }) => confidence.toFixed(4), right: true },
        { title: 'VERSION', value: () => answer.version, right: true },
      ],
      answer,
      '',
    )
    return 0
  },
})

/** Throws not_found, malformed_json, invalid_input. */
async function examplesIn(path: string): Promise<PredictInput[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('not_found', `${path} cannot be read`, { cause })
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('malformed_json', `${path} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  const parsed = z.array(predictInput).safeParse(Array.isArray(value) ? value : [value])
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new AppError(
    'invalid_input',
    `${path} holds no examples: at ${issue?.path.join('.')} there is none of {"shape":[…],"data":"base64"}, {"column":value} and {"tensors":{"name":{"data":[…]}}}`,
  )
}
