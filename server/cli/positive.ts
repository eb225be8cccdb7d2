import { UsageError } from './command.ts'

/** The number of an option; undefined where it was not given. */
export function positive(name: string, word: string | undefined): number | undefined {
  if (word === undefined) return undefined
  const value = Number(word)
  if (!(value > 0)) throw new UsageError(`--${name} takes a number above 0, not ${word}`)
  return value
}
