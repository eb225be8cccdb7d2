import { stripVTControlCharacters } from 'node:util'
import { type ArgsDef, renderUsage } from 'citty'
import { type Command, type Group, isGroup } from './command.ts'

/** The help of a command or group that is reached by `path`. */
export async function helpOf(path: readonly string[], found: Command | Group, colors: boolean): Promise<string> {
  const meta = { name: path.join(' '), description: found.description }
  const text = isGroup(found)
    ? await renderUsage({
        meta,
        subCommands: Object.fromEntries(
          found.commands.map((each) => [each.name, { meta: { name: each.name, description: described(each, found) } }]),
        ),
      })
    : (await renderUsage({ meta, args: withRest(found) })) + (found.more === undefined ? '' : `\n${found.more}`)
  const plain = text.replace(/ +$/gm, '')
  return colors ? plain : stripVTControlCharacters(plain).replace(/ +$/gm, '')
}

const described = (each: Command | Group, group: Group): string =>
  each.name === group.fallback ? `${each.description} (when none is named)` : each.description

/** citty knows single positionals only: the further words stand in the help as one more. */
const withRest = (command: Command): ArgsDef =>
  command.rest === undefined
    ? command.args
    : {
        ...positionals(command.args, true),
        '…': { type: 'positional', required: false, description: command.rest },
        ...positionals(command.args, false),
      }

const positionals = (args: ArgsDef, wanted: boolean): ArgsDef =>
  Object.fromEntries(Object.entries(args).filter(([, arg]) => (arg.type === 'positional') === wanted))
