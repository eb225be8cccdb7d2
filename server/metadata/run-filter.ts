import { RUN_STATES } from '../../shared/contract/pipelines.ts'
import { AppError } from '../../shared/core/errors.ts'

export const COMPARISONS = ['=', '!=', '<', '<=', '>', '>=', 'like', 'in'] as const
export type Comparison = (typeof COMPARISONS)[number]
export const ATTRIBUTES = ['state', 'pipeline', 'id', 'created', 'started', 'ended'] as const
export type Attribute = (typeof ATTRIBUTES)[number]

export type Field =
  | { readonly kind: 'metric' | 'param' | 'tag'; readonly name: string }
  | { readonly kind: 'attribute'; readonly name: Attribute }
/** One comparison of a filter. `in` has several values, all others one. */
export type Condition = { readonly field: Field; readonly compare: Comparison; readonly values: readonly (string | number)[] }
export type Order = { readonly field: Field; readonly descending: boolean }

type Token = { readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'sign' | 'end'; readonly text: string; readonly at: number }

const KINDS: Readonly<Record<string, Field['kind']>> = {
  metric: 'metric',
  metrics: 'metric',
  param: 'param',
  params: 'param',
  parameter: 'param',
  parameters: 'param',
  tag: 'tag',
  tags: 'tag',
  attribute: 'attribute',
  attributes: 'attribute',
  attr: 'attribute',
  run: 'attribute',
}
/** What MLflow calls some attributes. */
const ALSO: Readonly<Record<string, Attribute>> = { status: 'state', run_id: 'id', start_time: 'started', end_time: 'ended' }
const TIMES: readonly Attribute[] = ['created', 'started', 'ended']
const MAX_CONDITIONS = 20

const wrong = (what: string, at: number, where = 'filter'): AppError =>
  new AppError('invalid_input', `${where}, character ${at + 1}: ${what}`, { issues: [{ where: `query.${where}[${at}]`, what }] })

function tokensOf(text: string, where: string): Token[] {
  const tokens: Token[] = []
  // a name may hold dots and slashes; a sign before digits belongs to the number
  const part =
    /\s*(?:(?<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))|(?<word>[\p{L}_][\p{L}\p{N}_/:-]*)|(?<text>'(?:[^']|'')*')|(?<quoted>"[^"]*"|`[^`]*`)|(?<sign><=|>=|!=|<>|==|[=<>.,()]))/uy
  while (part.lastIndex < text.trimEnd().length) {
    const from = part.lastIndex
    const match = part.exec(text)
    if (match?.groups === undefined) {
      const at = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0)
      const rest = text[at] ?? ''
      throw wrong(`'"\``.includes(rest) ? `the text that begins with ${rest} has no end` : `"${rest}" is not part of a filter`, at, where)
    }
    const [kind, found] = Object.entries(match.groups).find(([, value]) => value !== undefined) ?? ['end', '']
    tokens.push({ kind: kind as Token['kind'], text: found, at: part.lastIndex - found.length })
  }
  return [...tokens, { kind: 'end', text: '', at: text.length }]
}

function readerOf(text: string, where: string) {
  const tokens = tokensOf(text, where)
  let next = 0
  const peek = (): Token => tokens[next] ?? { kind: 'end', text: '', at: text.length }
  const take = (): Token => {
    const token = peek()
    next++
    return token
  }
  const shown = ({ kind, text: found }: Token): string => (kind === 'end' ? 'the end' : found)
  const isWord = (word: string): boolean => peek().kind === 'word' && peek().text.toLowerCase() === word
  const fail = (what: string, token: Token): never => {
    throw wrong(`${what}, found ${shown(token)}`, token.at, where)
  }

  function field(): Field {
    const first = take()
    const kind = first.kind === 'word' ? KINDS[first.text.toLowerCase()] : undefined
    if (kind === undefined && first.kind === 'word') {
      const attribute = attributeOf(first.text)
      if (attribute !== undefined && peek().text !== '.') return { kind: 'attribute', name: attribute }
    }
    if (kind === undefined) return fail('expected metrics.NAME, params.NAME, tags.NAME or attributes.NAME', first)
    const dot = take()
    if (dot.text !== '.') return fail(`expected "${first.text}.NAME"`, dot)
    const from = peek()
    const name = nameFrom()
    if (kind !== 'attribute') return { kind, name }
    return { kind, name: attributeOf(name) ?? fail(`attributes are ${ATTRIBUTES.join(', ')}`, from) }
  }

  /** A quoted name, or parts joined by dots: params.recipe.epochs. */
  function nameFrom(): string {
    const first = take()
    if (first.kind === 'quoted' || first.kind === 'text') return unquoted(first)
    if (first.kind !== 'word' && first.kind !== 'number') return fail('expected a name', first)
    let name = first.text
    while (peek().text === '.') {
      take()
      const part = take()
      if (part.kind !== 'word' && part.kind !== 'number') return fail('expected a name after the dot', part)
      name += `.${part.text}`
    }
    return name
  }

  return { peek, take, isWord, fail, field }
}

const attributeOf = (name: string): Attribute | undefined =>
  ATTRIBUTES.find((one) => one === name.toLowerCase()) ?? ALSO[name.toLowerCase()]

const unquoted = ({ kind, text }: Token): string => (kind === 'text' ? text.slice(1, -1).replaceAll("''", "'") : text.slice(1, -1))

/**
 * Reads a filter in the language that MLflow's users know: comparisons joined by `and`. Texts are quoted, names that hold spaces stand in double quotes or backticks. Throws
 * invalid_input with the character at fault.
 */
export function parseFilter(text: string): Condition[] {
  const reader = readerOf(text, 'filter')
  const conditions: Condition[] = []
  if (reader.peek().kind === 'end') return conditions
  for (;;) {
    conditions.push(conditionFrom(reader))
    const then = reader.take()
    if (then.kind === 'end') break
    if (then.kind === 'word' && then.text.toLowerCase() === 'or')
      throw wrong('comparisons are joined by "and"; for "or" use `in`, or search twice', then.at)
    if (then.kind !== 'word' || then.text.toLowerCase() !== 'and') reader.fail('expected "and" or the end', then)
  }
  if (conditions.length > MAX_CONDITIONS) throw wrong(`at most ${MAX_CONDITIONS} comparisons`, 0)
  return conditions
}

/** Reads an order: a field, then `asc` or `desc`. */
export function parseOrder(text: string): Order {
  const reader = readerOf(text, 'order')
  const from = reader.peek()
  const field = reader.field()
  if (field.kind === 'param' || field.kind === 'tag' || (field.kind === 'attribute' && field.name !== 'created'))
    throw wrong('runs are ordered by a metric or by attributes.created', from.at, 'order')
  const descending = reader.isWord('desc')
  if (descending || reader.isWord('asc')) reader.take()
  const end = reader.take()
  if (end.kind !== 'end') reader.fail('expected asc, desc or the end', end)
  return { field, descending }
}

type Reader = ReturnType<typeof readerOf>

function conditionFrom(reader: Reader): Condition {
  const field = reader.field()
  const sign = reader.take()
  const compare = comparisonOf(sign) ?? reader.fail('expected one of = != < <= > >= like in', sign)
  if (compare === 'like' && (field.kind === 'metric' || (field.kind === 'attribute' && TIMES.includes(field.name))))
    throw wrong('`like` compares texts, this is a number', sign.at)
  if (compare !== 'in') return { field, compare, values: [valueFrom(reader, field, compare)] }
  const open = reader.take()
  if (open.text !== '(') reader.fail('expected ( after in', open)
  const values = [valueFrom(reader, field, '=')]
  for (let then = reader.take(); then.text !== ')'; then = reader.take()) {
    if (then.text !== ',') reader.fail('expected , or )', then)
    values.push(valueFrom(reader, field, '='))
  }
  return { field, compare, values }
}

function comparisonOf({ kind, text }: Token): Comparison | undefined {
  const word = text.toLowerCase()
  if (kind === 'word') return word === 'like' || word === 'ilike' ? 'like' : word === 'in' ? 'in' : undefined
  if (word === '==') return '='
  if (word === '<>') return '!='
  return COMPARISONS.find((one) => one === word)
}

function valueFrom(reader: Reader, field: Field, compare: Comparison): string | number {
  const token = reader.take()
  const text = token.kind === 'text' || token.kind === 'quoted' ? unquoted(token) : undefined
  const number = token.kind === 'number' ? Number(token.text) : undefined
  if (text === undefined && number === undefined) return reader.fail('expected a number or a text in quotes', token)
  if (field.kind === 'metric') return number ?? reader.fail('a metric is compared with a number', token)
  if (field.kind === 'attribute') return attributeValue(field.name, compare, text, number, token)
  if (number !== undefined && compare === 'like') return token.text
  if (text !== undefined && compare !== '=' && compare !== '!=' && compare !== 'like')
    return reader.fail('less and greater compare numbers: leave out the quotes', token)
  return text ?? number ?? ''
}

function attributeValue(
  name: Attribute,
  compare: Comparison,
  text: string | undefined,
  number: number | undefined,
  { at }: Token,
): string | number {
  if (TIMES.includes(name)) {
    const time = number ?? Date.parse(text ?? '')
    if (Number.isNaN(time)) throw wrong('expected a time: epoch milliseconds, or a text such as 2026-01-31T12:00Z', at)
    return time
  }
  if (text === undefined) throw wrong(`${name} is a text: put it into quotes`, at)
  if (!['=', '!=', 'like', 'in'].includes(compare)) throw wrong(`${name} is compared by = != like in`, at)
  if (name === 'state' && compare !== 'like' && !RUN_STATES.some((state) => state === text.toLowerCase()))
    throw wrong(`states are ${RUN_STATES.join(', ')}`, at)
  return name === 'state' ? text.toLowerCase() : text
}
