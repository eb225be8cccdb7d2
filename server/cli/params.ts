import type { Json } from '../../shared/core/json.ts'
import { UsageError } from './command.ts'

/** `epochs=3 mode=fast` as `{ epochs: 3, mode: 'fast' }`. */
export function paramsOf(words: readonly string[]): Record<string, Json> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=')
      if (at < 1) throw new UsageError(`${word} is not of the form name=value`)
      return [word.slice(0, at), valueOf(word.slice(at + 1))]
    }),
  )
}

function valueOf(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
