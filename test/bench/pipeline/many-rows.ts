import { DatabaseSync } from 'node:sqlite'
import { type RawBuilder, sql } from 'kysely'
import { seededRandom } from '../../../shared/core/random.ts'
import type { RunId } from '../../../shared/core/ids.ts'
import type { Db } from '../../../server/storage/database.ts'

const counted = (n: number, first = 1) =>
  sql`with recursive n(i) as (select ${sql.lit(first)} union all select i + 1 from n where i < ${first + n - 1})`
/** An id like `template`'s, which no id of another row is: ids are 20 characters after their kind. */
const id = (kind: string) => sql`${sql.lit(`${kind}_`)} || printf('%020d', n.i)`

const EXECUTION = sql.raw(
  'run, pipeline, step, position, component, component_version, "after", state, attempts, params, started, ended, cache_key, identity, cache, progress, error, inputs, outputs',
)

/** Stores a finished run so many times more, with all that hangs on it, numbered from `first`, as if it had been run each time. */
export async function repeatRun(db: Db, run: RunId, times: number, first = 1): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const to = (e: string) => sql`'step_' || printf('%016d%04d', n.i, ${sql.ref(`${e}.position`)})`
    const statements = [
      sql`insert into runs ${counted(times, first)}
        select ${id('run')}, (select max(seq) from runs) + n.i, pipeline, pipeline_digest, state, "trigger", null, params, seed, cancel, created + n.i,
          started + n.i, ended + n.i, error, null from runs cross join n where id = ${run}`,
      sql`insert into executions (id, ${EXECUTION}) ${counted(times, first)}
        select ${to('e')}, ${id('run')}, pipeline, step, position, component, component_version, "after", state, attempts, params, started + n.i,
          ended + n.i, cache_key, identity, cache, progress, error, inputs, outputs from executions e cross join n where run = ${run}`,
      sql`insert into artifact_uses (artifact, execution) ${counted(times, first)}
        select distinct v.value, x.seq from n join executions x on x.run = ${id('run')}, json_each(x.inputs) v`,
    ]
    for (const statement of statements) await statement.execute(tx)
  })
}

/** Stores `generations` of `width` artifacts each; each was made by an execution of its own, after the first generation from two of the `width` artifacts before it. */
export async function addGenerations(db: Db, run: RunId, generations: number, width: number): Promise<{ oldest: string; newest: string }> {
  const total = generations * width
  // as text: a number that is bound is a fraction to SQLite
  const w = sql.lit(width)
  const artifact = (n: RawBuilder<unknown>) => sql`'artifact_' || printf('%020d', ${n})`
  const step = sql`'step_' || printf('9%019d', n.i)`
  const before = (shift: number) =>
    sql`(select seq from artifacts where id = ${artifact(sql`n.i - ${w} + (n.i - 1 + ${sql.lit(shift)}) % ${w}`)})`
  await db.transaction().execute(async (tx) => {
    const statements = [
      sql`insert into executions (id, ${EXECUTION}) ${counted(total)}
        select ${step}, run, pipeline, 'bench-' || n.i, n.i, component, component_version, '[]', 'succeeded', 1, '{}', n.i, n.i, null, null, null, null, null, '{}', '{}'
        from executions cross join n where run = ${run} and position = 0`,
      sql`insert into artifacts (id, type, name, digest, bytes, created, properties, made_by, made_as) ${counted(total)}
        select ${artifact(sql`n.i`)}, 'metrics', 'bench', null, 0, n.i, '{}', (select seq from executions where id = ${step}), 'out' from n`,
      sql`${counted(total)} update executions set outputs = json_object('out', (select seq from artifacts where id = ${artifact(sql`n.i`)})),
          inputs = case when n.i > ${w} then json_object('in0', ${before(0)}, 'in1', ${before(1)}) else '{}' end
        from n where executions.id = ${step}`,
      sql`insert into artifact_uses (artifact, execution) ${counted(total)}
        select v.value, x.seq from n join executions x on x.id = ${step}, json_each(x.inputs) v`,
    ]
    for (const statement of statements) await statement.execute(tx)
  })
  const name = (i: number) => `artifact_${String(i).padStart(20, '0')}`
  return { oldest: name(1), newest: name(total) }
}

/** What parameter `optimizer` and tag `note` of a stored run say. */
export const OPTIMIZERS = ['adam', 'sgd', 'rmsprop', 'adagrad', 'nadam', 'lion', 'adamax', 'ftrl', 'lamb', 'lars'] as const

export type ManyValues = { readonly runs: number; readonly values: number; readonly say: (line: string) => void }

/**
 * Gives each run so many metrics m1, m2, … with values spread evenly over 0 to 1, the same each time; a parameter as the run itself would have, one of ten words, and a
 * tag that no other run has.
 */
export function addValues(file: string, { runs, values, say }: ManyValues): void {
  const db = new DatabaseSync(file)
  const index = (db.prepare("select sql from sqlite_schema where name = 'run_metrics_value'").get() as { sql: string }).sql
  const { first } = db.prepare('select coalesce(max(id), 0) + 1 as first from value_names').get() as { first: number }
  const name = db.prepare('insert into value_names values (?, ?, ?)')
  for (let m = 1; m <= values; m++) name.run(first + m, 'metric', `m${m}`)
  const [optimizer, note] = [first + values + 1, first + values + 2]
  name.run(optimizer, 'param', 'optimizer')
  name.run(note, 'tag', 'note')
  // millions of places in a growing index are what takes longest: it is made anew over all rows
  db.exec('drop index run_metrics_value; pragma synchronous = off; begin')
  db.exec(
    "insert into run_texts select seq, (select id from value_names where kind = 'param' and name = 'lot'), '0', 0 from runs where true on conflict do nothing",
  )
  const value = db.prepare('insert into run_metrics values (?, ?, ?, 0, ?, ?, null) on conflict do nothing')
  const text = db.prepare('insert into run_texts values (?, ?, ?, null)')
  const random = seededRandom(11)
  const seqs = db.prepare('select seq from runs order by seq limit ?').all(runs) as { seq: number }[]
  const step = Math.ceil(seqs.length / 4)
  for (const [i, { seq }] of seqs.entries()) {
    for (let m = 1; m <= values; m++) value.run(seq, first + m, random.uniform(), seq, seq)
    text.run(seq, optimizer, OPTIMIZERS[Math.floor(random.uniform() * OPTIMIZERS.length)] ?? '')
    text.run(seq, note, `try ${seq} of the season`)
    if ((i + 1) % step === 0) say(`  ${i + 1} of ${seqs.length} runs`)
  }
  say('  the index over their values')
  db.exec(`commit; ${index}`)
  db.close()
}
