import { writeFile } from 'node:fs/promises'
import progress from 'cli-progress'
import { AppError } from '../../../shared/core/errors.ts'
import type { Analysis, AnalyseProgress } from '../../analysis/analyse-file.ts'
import { type Cli, command, UsageError } from '../command.ts'
import { analysisTable, notesText } from '../analysis-text.ts'
import { acceptedSchema } from '../accepted-schema.ts'
import { fileFormat } from '../file-format.ts'
import { readSchema } from '../read-schema.ts'

export const analyse = command({
  name: 'analyse',
  description: 'Statistics, a schema and advice for a file of rows; asks no server',
  args: {
    file: {
      type: 'positional',
      required: true,
      description: 'Path of a .csv, .tsv, .json, .jsonl, .ndjson, .parquet, .sqlite or .db file',
    },
    table: { type: 'string', description: 'Which table of a SQLite file that has several', valueHint: 'name' },
    label: { type: 'string', description: 'The column that is to be predicted', valueHint: 'column' },
    schema: { type: 'string', description: 'Hold the file against this schema; exit code 1 where it does not fit', valueHint: 'file' },
    dataset: {
      type: 'string',
      description: 'Hold it against the accepted schema of this dataset, which the server is asked for',
      valueHint: 'name',
    },
    environment: { type: 'string', description: 'Where the rows are from, as the schema says', valueHint: 'TRAINING|SERVING' },
    out: { type: 'string', description: 'Also write a report with charts', valueHint: 'report.html' },
  },
  async run({ args: { file, table, label, schema: schemaFile, dataset, environment, out }, client, output, cli }) {
    const format = await fileFormat(file)
    const { analyseFile } = await import('../../analysis/analyse-file.ts')
    if (schemaFile !== undefined && dataset !== undefined) throw new UsageError('name a schema file or a dataset, not both')
    const schema =
      schemaFile !== undefined ? await readSchema(schemaFile) : dataset === undefined ? undefined : await acceptedSchema(client, dataset)
    if (environment !== undefined && schema?.environments.includes(environment) === false)
      throw new UsageError(`the schema knows no environment ${environment}: ${schema.environments.join(', ')}`)
    const bar = progressBar(cli)
    let analysis: Analysis
    try {
      analysis = await analyseFile(file, format, {
        ...(table === undefined ? {} : { table }),
        ...(label === undefined ? {} : { label }),
        ...(schema === undefined ? {} : { schema }),
        ...(environment === undefined ? {} : { environment }),
        onProgress: bar.show,
      })
    } finally {
      bar.stop()
    }
    if (out !== undefined) {
      await writeReport(out, analysis)
      output.note(`wrote ${out}`)
    }
    if (output.json) output.answer(analysis, () => '')
    else {
      const { rows, columns } = analysisTable(analysis)
      output.table(rows, columns, analysis, 'the file has no columns')
      for (const line of notesText(analysis)) output.line(line)
    }
    return (analysis.anomalies ?? []).some(({ severity }) => severity === 'error') ? 1 : 0
  },
})

async function writeReport(path: string, analysis: Analysis): Promise<void> {
  const { reportHtml } = await import('../../analysis/report-html.ts')
  await writeFile(path, reportHtml(analysis)).catch((cause: unknown) => {
    throw new AppError('invalid_input', `${path} cannot be written: ${cause instanceof Error ? cause.message : ''}`, { cause })
  })
}

/** On a terminal; nothing elsewhere. */
function progressBar(cli: Cli): { show(progress: AnalyseProgress): void; stop(): void } {
  if (cli.stderr.isTTY !== true) return { show() {}, stop() {} }
  const bar = new progress.SingleBar(
    { stream: cli.stderr, format: '{bar} {percentage} %  {note}', barsize: 30, hideCursor: true, clearOnComplete: true, fps: 20 },
    progress.Presets.shades_classic,
  )
  bar.start(1, 0, { note: 'looking the file over' })
  return {
    show({ rows, total }) {
      bar.setTotal(total)
      bar.update(rows, { note: `${rows} rows read` })
    },
    stop: () => bar.stop(),
  }
}
