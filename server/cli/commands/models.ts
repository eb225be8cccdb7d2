import { card } from './models-card.ts'
import { command, type Group } from '../command.ts'
import { fieldsText, timeText } from '../output.ts'
import { importModel } from './models-import.ts'

const list = command({
  name: 'list',
  description: 'List models',
  async run({ client, output }) {
    const { items } = await client('models.list')
    output.table(
      items,
      [
        { title: 'MODEL', value: (model) => model.name },
        { title: 'VERSIONS', value: (model) => model.versions, right: true },
        { title: 'ALIASES', value: (model) => aliasesText(model.aliases) },
        { title: 'CREATED', value: (model) => timeText(model.created) },
        { title: 'DESCRIPTION', value: (model) => model.description },
      ],
      items,
      'no models yet: `npx shoal models create NAME`, or start a pipeline that registers one',
    )
    return 0
  },
})

const show = command({
  name: 'show',
  description: 'One model',
  args: { model: { type: 'positional', required: true, description: 'Its name' } },
  async run({ args, client, output }) {
    const model = await client('models.get', { params: { model: args.model } })
    output.answer(model, () =>
      fieldsText([
        ['model', model.name],
        ['description', model.description || '-'],
        ['versions', String(model.versions)],
        ['latest', String(model.latest ?? '-')],
        ['aliases', aliasesText(model.aliases)],
        ['created', timeText(model.created)],
      ]),
    )
    return 0
  },
})

const create = command({
  name: 'create',
  description: 'Make a model',
  args: {
    name: { type: 'positional', required: true, description: 'Lower-case letters, digits, single hyphens' },
    description: { type: 'string', description: 'What it is for' },
  },
  async run({ args, client, output }) {
    const model = await client('models.create', { body: { name: args.name, description: args.description ?? '' } })
    output.answer(model, () => `made model ${model.name}`)
    return 0
  },
})

const aliasesText = (aliases: Readonly<Record<string, number>>): string =>
  Object.entries(aliases)
    .map(([alias, version]) => `${alias}→${version}`)
    .join(' ') || '-'

export const models: Group = {
  name: 'models',
  description: 'Models: list, show, create, import, card',
  commands: [list, show, create, importModel, card],
  fallback: 'list',
}
