import type { TrialSummary } from '../../shared/contract/trials.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { Json } from '../../shared/core/json.ts'

const COMPARISON = /^\s*(params\.[\w.-]+|metrics\.[\w.@-]+|score|state|number|error)\s*(<=|>=|!=|=|<|>)\s*(.+?)\s*$/

type Value = string | number | boolean | null | undefined
type Test = (left: Value, right: Value) => boolean
const numeric =
  (compare: (a: number, b: number) => boolean): Test =>
  (a, b) =>
    typeof a === 'number' && typeof b === 'number' && compare(a, b)
const TESTS: Record<string, Test> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': numeric((a, b) => a < b),
  '<=': numeric((a, b) => a <= b),
  '>': numeric((a, b) => a > b),
  '>=': numeric((a, b) => a >= b),
}

const plain = (value: Json | undefined): Value => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value)

function valueOf(trial: TrialSummary, name: string): Value {
  if (name.startsWith('params.')) return plain(trial.params[name.slice('params.'.length)])
  if (name.startsWith('metrics.')) return trial.rungs.at(-1)?.metrics[name.slice('metrics.'.length)]
  return trial[name as 'score' | 'state' | 'number' | 'error']
}

/** A number, true or false, or text with or without quotes. */
function literalOf(text: string): Value {
  const quoted = /^(["'])(.*)\1$/.exec(text)
  if (quoted !== null) return quoted[2]
  if (text === 'true' || text === 'false') return text === 'true'
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

/** What `where` asks of a trial. Throws invalid_input naming the part that cannot be read. */
export function trialFilter(where: string | undefined): (trial: TrialSummary) => boolean {
  if (where === undefined || where.trim() === '') return () => true
  const tests = where.split(/\s+and\s+/i).map((part) => {
    const [, name = '', operator = '', text = ''] = COMPARISON.exec(part) ?? []
    const test = TESTS[operator]
    if (test === undefined)
      throw new AppError(
        'invalid_input',
        `"${part.trim()}" is no comparison: write params.NAME, metrics.NAME, score, state, number or error, one of = != < <= > >=, and a value`,
        {
          issues: [{ where: 'query.where', what: part.trim() }],
        },
      )
    const right = literalOf(text)
    return (trial: TrialSummary) => test(valueOf(trial, name), right)
  })
  return (trial) => tests.every((test) => test(trial))
}
