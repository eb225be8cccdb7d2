import { styleText } from 'node:util'
import type { Json } from '../../shared/core/json.ts'
import type { Cli } from './command.ts'
import { harmless } from './harmless.ts'
import { type Column, tableOf } from './table.ts'

/** Where answers go: tables for people, JSON for programs, never both. */
export type Output = {
  readonly json: boolean
  readonly tty: boolean
  /** The whole answer as JSON, where that was asked for; otherwise what `text` says. */
  answer(value: unknown, text: () => string): void
  table<T>(rows: readonly T[], columns: readonly Column<T>[], whole: unknown, empty: string): void
  line(text: string): void
  /** News beside the answer, on the error stream. */
  note(text: string): void
}

export function outputTo(cli: Cli, json: boolean): Output {
  const tty = cli.stdout.isTTY === true
  const print = (text: string): void => void cli.stdout.write(`${text}\n`)
  const line = (text: string): void => print(harmless(text))
  const note = (text: string): void => void cli.stderr.write(`${harmless(text)}\n`)
  const asJson = (value: unknown): void => print(JSON.stringify(value, undefined, tty ? 2 : 0))
  return {
    json,
    tty,
    line,
    note,
    answer: (value, text) => (json ? asJson(value) : line(text())),
    table(rows, columns, whole, empty) {
      if (json) return asJson(whole)
      if (rows.length === 0) return note(empty)
      const [header = '', ...lines] = tableOf(rows, columns, { aligned: tty, width: cli.stdout.columns ?? 100 })
      print(tty ? styleText('bold', header, { validateStream: false }) : header)
      for (const each of lines) line(each)
    },
  }
}

/** Epoch milliseconds as `2026-11-23 14:05:09Z`; a dash for none. */
export const timeText = (at: number | null): string =>
  at === null ? '-' : new Date(at).toISOString().replace('T', ' ').replace(/\.\d+/, '')

/** A length of time in the unit that suits it. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}

/** `a=1 b=2` of a flat record. */
export const pairsText = (record: Readonly<Record<string, Json | undefined>>): string =>
  Object.entries(record)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === 'number' ? Number(value.toPrecision(4)) : typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    .join(' ')

/** Name and value, one a line, values in one column. */
export function fieldsText(fields: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length))
  return fields.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}
