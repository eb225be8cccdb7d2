import type { GivenTensor } from '../../../shared/contract/imports.ts'
import { EXIT_CODES } from '../../checks/check.ts'
import { acceptedSchema } from '../accepted-schema.ts'
import { checkTable } from '../check-table.ts'
import { command, type Group, UsageError } from '../command.ts'
import { fileFormat } from '../file-format.ts'
import { modelFiles } from '../model-files.ts'
import { positive } from '../positive.ts'
import { readSchema } from '../read-schema.ts'
import { checkApi } from './check-api.ts'

const data = command({
  name: 'data',
  description: `A file of rows against a schema; exit code ${EXIT_CODES.data} where it does not fit or is no table`,
  args: {
    file: { type: 'positional', required: true, description: 'File of rows (.csv, .json, .parquet, .sqlite …)' },
    schema: { type: 'string', description: 'The schema', valueHint: 'file' },
    dataset: { type: 'string', description: 'Or the accepted one of this dataset, which the server is asked for', valueHint: 'name' },
    environment: { type: 'string', description: 'Where the rows are from, as the schema says', valueHint: 'TRAINING|SERVING' },
  },
  async run({ args: { file, schema: path, dataset, environment }, client, output }) {
    if ((path === undefined) === (dataset === undefined)) throw new UsageError('name a schema file or a dataset: one of them')
    const format = await fileFormat(file)
    const schema = path === undefined ? await acceptedSchema(client, dataset ?? '') : await readSchema(path)
    if (environment !== undefined && !schema.environments.includes(environment))
      throw new UsageError(`the schema knows no environment ${environment}: ${schema.environments.join(', ')}`)
    const { checkData } = await import('../../checks/check-data.ts')
    return checkTable(output, 'data', await checkData(file, format, schema, environment))
  },
})

const schema = command({
  name: 'schema',
  description: `A schema by itself and beside the one in force; exit code ${EXIT_CODES.schema} where it contradicts itself or is narrower`,
  args: {
    file: { type: 'positional', required: true, description: 'The schema' },
    against: { type: 'string', description: 'The one in force', valueHint: 'file' },
    dataset: { type: 'string', description: 'Or the accepted one of this dataset, which the server is asked for', valueHint: 'name' },
  },
  async run({ args: { file, against, dataset }, client, output }) {
    if (against !== undefined && dataset !== undefined) throw new UsageError('name a schema file or a dataset, not both')
    const stored =
      against !== undefined ? await readSchema(against) : dataset === undefined ? undefined : await acceptedSchema(client, dataset)
    const { checkSchema } = await import('../../checks/check-schema.ts')
    return checkTable(output, 'schema', await checkSchema(() => readSchema(file), stored))
  },
})

function exampleOf(word: string | undefined): Readonly<Record<string, GivenTensor>> {
  if (word === undefined) return {}
  try {
    return JSON.parse(word) as Readonly<Record<string, GivenTensor>>
  } catch {
    throw new UsageError('--example takes JSON, such as {"input":{"shape":[1,512]}}')
  }
}

const model = command({
  name: 'model',
  description: `A model out of its files: loads, answers with finite numbers, the same twice, within its budget; exit code ${EXIT_CODES.model} where not`,
  args: {
    file: { type: 'positional', required: true, description: 'The .safetensors, .onnx or model.json, or a folder that holds a model.json' },
    example: { type: 'string', description: 'Inputs, or their shapes, to try it with', valueHint: 'json' },
    latency: { type: 'string', description: 'Most milliseconds of an answer (95th percentile)', valueHint: 'ms' },
    size: { type: 'string', description: 'Most bytes of its weights', valueHint: 'bytes' },
    memory: { type: 'string', description: 'Most bytes of tensors while it answers', valueHint: 'bytes' },
  },
  rest: 'weight files, where a model.json does not stand beside them',
  async run({ args, rest, output, cli }) {
    const [answerMs, modelBytes, memoryBytes] = (['latency', 'size', 'memory'] as const).map((name) => positive(name, args[name]))
    const example = exampleOf(args.example)
    const files = await modelFiles([args.file, ...rest])
    const { checkModel } = await import('../../checks/check-model.ts')
    const budget = {
      ...(answerMs === undefined ? {} : { answerMs }),
      ...(modelBytes === undefined ? {} : { modelBytes }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    }
    return checkTable(output, 'model', await checkModel(files, { clock: cli.clock, budget, example }))
  },
})

const pipeline = command({
  name: 'pipeline',
  description: `A file of pipelines: circles, wires of other types, unknown parameters, each with where it is; exit code ${EXIT_CODES.pipeline} where one does not hold together`,
  args: { file: { type: 'positional', required: true, description: 'A module that exports a list named pipelines' } },
  async run({ args: { file }, output }) {
    const { checkPipeline } = await import('../../checks/check-pipeline.ts')
    return checkTable(output, 'pipeline', await checkPipeline(file))
  },
})

export const check: Group = {
  name: 'check',
  description: 'Checks for a CI job: data, schema, model, pipeline and API, each with an exit code of its own',
  commands: [data, schema, model, pipeline, checkApi],
}
