import { createRequire } from 'node:module'
import { must } from '../../../shared/core/assert.ts'
import type { Row, Table } from './tables.ts'

type YdfModel = {
  /** A number a row: what is predicted, or the probability of the second class. */
  predict(csv: string): Float32Array
  getLabelClasses(): readonly string[]
  describe(): string
  save(): Promise<Blob>
  unload(): void
}
type Ydf = { GradientBoostedTreesLearner: new (label: string, task: string) => { train(csv: string): YdfModel } }

/** Without spaces in texts, which YDF takes as sets of words. */
const csvOf = (rows: readonly Row[]): string => {
  const names = Object.keys(must(rows[0], 'a row'))
  return [names.join(','), ...rows.map((row) => names.map((name) => String(row[name]).replaceAll(' ', '-')).join(','))].join('\n')
}

/** It writes to the console whatever it is told. */
function muted<T>(work: () => T): T {
  const log = console.log
  console.log = () => {}
  try {
    return work()
  } finally {
    console.log = log
  }
}

/** Google's YDF, with the defaults that are all it has: 300 trees at most, shrinkage 0.1, depth 6 (counted in nodes), a tenth of the rows for validation. */
export async function ydfSide(table: Table) {
  const require = createRequire(import.meta.url)
  // what it saves needs jszip of the global scope; its WASM module takes hold of the process, which must not end with it
  Object.assign(globalThis, { JSZip: createRequire(require.resolve('ydf-training'))('jszip') as unknown })
  const hooks = ['uncaughtException', 'unhandledRejection'] as const
  const before = new Map(hooks.map((event) => [event, process.listeners(event as 'uncaughtException')]))
  const open = require('ydf-training') as (options: object) => Promise<Ydf>
  const quiet = () => {}
  const ydf = await open({ print: quiet, printErr: quiet })
  for (const event of hooks)
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!before.get(event)?.includes(listener)) process.off(event, listener)
  const learner = new ydf.GradientBoostedTreesLearner(table.label, table.task.toUpperCase())
  const [train, test] = [csvOf(table.train), csvOf(table.test)]
  let model: YdfModel | undefined
  const trained = (): YdfModel => must(model, 'a model')
  return {
    train(): void {
      model?.unload()
      model = muted(() => learner.train(train))
    },
    /** Of the test rows: numbers, or probabilities of `late`. */
    predict(): number[] {
      const answers = Array.from(trained().predict(test))
      return table.task === 'regression' || [...trained().getLabelClasses()][1] === 'late' ? answers : answers.map((p) => 1 - p)
    },
    trees: (): number => Number(/Number of trees: (\d+)/.exec(trained().describe())?.[1]),
    /** As it is saved: a zip file. */
    bytes: (): Promise<number> => muted(async () => (await trained().save()).size),
  }
}
