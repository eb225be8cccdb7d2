import packageJson from '../../package.json' with { type: 'json' }
import { type Cli, type Command, type Group, isGroup, UsageError } from './command.ts'
import { exitCodeOf, failureText } from './failure.ts'
import { harmless } from './harmless.ts'
import { helpOf } from './help.ts'
import { shoal } from './tree.ts'

/** Runs one command line and resolves to its exit code: 0 done, 1 failed, 2 not understood. Answers go to stdout, everything else to stderr. */
export async function runCli(words: readonly string[], cli: Cli): Promise<number> {
  if (words.length === 1 && (words[0] === '--version' || words[0] === '-v')) {
    cli.stdout.write(`${packageJson.version}\n`)
    return 0
  }
  const { path, found, rest } = find(optionsLast(words))
  try {
    if (isHelp(found, rest)) {
      cli.stdout.write(`${await helpOf(path, found, cli.stdout.isTTY === true)}\n`)
      return 0
    }
    if (isGroup(found))
      throw new UsageError(rest[0] === undefined ? 'name a command' : `there is no command ${[...path, rest[0]].join(' ')}`)
    return await found.run(cli, [...rest])
  } catch (thrown) {
    cli.stderr.write(`${harmless(failureText(thrown, words.includes('--json')))}\n`)
    if (thrown instanceof UsageError && !words.includes('--json')) cli.stderr.write(`  ${path.join(' ')} --help tells more\n`)
    return exitCodeOf(thrown)
  }
}

/** `shoal --url URL models` as `shoal models --url URL`: options that all commands share may stand before the command. */
function optionsLast(words: readonly string[]): readonly string[] {
  const [first = '', second, ...others] = words
  if (first === '--json' || /^--(url|key)=/.test(first)) return [...optionsLast(words.slice(1)), first]
  return (first === '--url' || first === '--key') && second !== undefined ? [...optionsLast(others), first, second] : words
}

/** Follows the words into the tree as far as they name commands. */
function find(words: readonly string[]): { path: string[]; found: Command | Group; rest: readonly string[] } {
  const path = [shoal.name]
  let found: Command | Group = shoal
  let rest = words
  while (isGroup(found)) {
    const group: Group = found
    const [word] = rest
    const named = group.commands.find((each) => each.name === word)
    const fallback =
      word === undefined || (word.startsWith('-') && !isHelp(group, rest))
        ? group.commands.find((each) => each.name === group.fallback)
        : undefined
    const next = named ?? fallback
    if (!next) break
    if (named) rest = rest.slice(1)
    path.push(next.name)
    found = next
  }
  return { path, found, rest }
}

/** Read here for every command, also for `serve`, which hands all else on to the server. */
const isHelp = (found: Command | Group, rest: readonly string[]): boolean =>
  rest.includes('--help') || rest.includes('-h') || (found === shoal && rest.length === 0)
