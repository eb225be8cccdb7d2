import { writeFile } from 'node:fs/promises'
import { AppError } from '../../../shared/core/errors.ts'
import { command, versionOf } from '../command.ts'
import { fieldsText, pairsText, timeText } from '../output.ts'

export const card = command({
  name: 'card',
  description: 'The model card of a version: what it is, how good, for whom not',
  args: {
    model: { type: 'positional', required: true, description: 'Name of the model' },
    version: { type: 'positional', required: true, description: 'A number' },
    out: { type: 'string', description: 'Write it as a page of its own', valueHint: 'card.html' },
  },
  async run({ args, client, output }) {
    const params = { model: args.model, version: String(versionOf(args.version)) }
    if (args.out !== undefined) {
      const page = await client('versions.card-page', { params })
      await writeFile(args.out, await page.text()).catch((cause: unknown) => {
        throw new AppError('invalid_input', `${args.out} cannot be written: ${cause instanceof Error ? cause.message : ''}`, { cause })
      })
      output.note(`wrote ${args.out}`)
      return 0
    }
    const card = await client('versions.card', { params })
    const { model, training, evaluation, validation, runtime, tests, limitations } = card
    output.answer(card, () =>
      [
        fieldsText([
          ['model', `${model.name} ${model.version}${model.description === '' ? '' : `, ${model.description}`}`],
          ['aliases', model.aliases.join(', ') || '-'],
          ['created', timeText(model.created)],
          ['layers', `${model.layers.join(', ')} (${model.parameters} parameters)`],
          ['inputs', model.inputs.join(', ') || '-'],
          ['answers', model.labels.join(', ') || 'a number'],
          ['run', training === null ? '-' : `${training.run} of ${training.pipeline}`],
          ['rows', training === null ? '-' : pairsText(training.splits) || '-'],
          ['test', evaluation === null ? '-' : pairsText(evaluation.figures)],
          ['validation', validation === null ? '-' : `${validation.blessed ? 'passed' : 'refused'}, ${validation.checks.length} checks`],
          ['runtime', runtime === null ? '-' : runtime.outcomes.map(({ target, ok }) => `${target} ${ok ? 'good' : 'refused'}`).join(', ')],
          ['tests', tests.map(({ kind, ok }) => `${kind} ${ok === null ? 'without result' : ok ? 'passed' : 'failed'}`).join(', ') || '-'],
        ]),
        ...limitations.map((one) => `- ${one}`),
      ].join('\n'),
    )
    return 0
  },
})
