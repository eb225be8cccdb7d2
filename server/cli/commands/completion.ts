import { type Command, command, type Group, isGroup, UsageError } from '../command.ts'

/** Takes the tree late, as it is itself a part of it. */
export const completion = (tree: () => Group): Command =>
  command({
    name: 'completion',
    description: 'A completion script: source <(npx shoal completion bash)',
    args: { shell: { type: 'positional', required: true, description: 'bash or zsh' } },
    run({ args, output }) {
      if (args.shell !== 'bash' && args.shell !== 'zsh') throw new UsageError(`${args.shell}: only bash and zsh are known`)
      output.line(scriptOf(tree(), args.shell))
      return Promise.resolve(0)
    },
  })

function scriptOf(tree: Group, shell: 'bash' | 'zsh'): string {
  const offer = (pattern: string, words: readonly string[]): string => `    ${pattern}) words="${words.join(' ')}" ;;`
  return [
    ...(shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []),
    '_shoal() {',
    '  local words=""',
    '  case "$COMP_CWORD:${COMP_WORDS[1]}:${COMP_WORDS[2]}" in',
    offer('1:*', namesOf(tree)),
    ...tree.commands.flatMap((each) =>
      isGroup(each) ? [offer(`2:${each.name}:*`, namesOf(each))] : [offer(`*:${each.name}:*`, optionsOf(each))],
    ),
    ...tree.commands
      .filter(isGroup)
      .flatMap((group) => group.commands.map((each) => offer(`*:${group.name}:${each.name}`, optionsOf(each)))),
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _shoal shoal',
  ].join('\n')
}

const namesOf = (group: Group): string[] => group.commands.map((each) => each.name)

const optionsOf = (found: Command | Group): string[] =>
  isGroup(found)
    ? []
    : Object.entries(found.args)
        .filter(([, arg]) => arg.type !== 'positional')
        .map(([name]) => `--${name}`)
