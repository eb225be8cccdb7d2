import { CompiledQuery } from 'kysely'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manualClock } from '../../../shared/core/clock.ts'
import type { ArtifactId } from '../../../shared/core/ids.ts'
import { type Lineage, lineageOf } from '../../../server/metadata/lineage.ts'
import { type LineageStore, lineageStore } from '../../../server/metadata/lineage-store.ts'
import { numberSet } from '../../../server/metadata/number-set.ts'
import { recentMap } from '../../../server/metadata/recent-map.ts'
import { type Statement, writeBatch } from '../../../server/storage/statements.ts'
import { type Db, openDatabase } from '../../../server/storage/database.ts'

let db: Db
beforeEach(async () => {
  db = await openDatabase({ file: ':memory:', clock: manualClock() })
  await db.executeQuery(
    CompiledQuery.raw(`insert into runs (id, seq, pipeline, pipeline_digest, state, "trigger", params, seed, created)
      values ('run', 1, 'p', 'd', 'running', '{}', '{}', 1, 0)`),
  )
})
afterEach(() => db.destroy())

const idOf = (artifact: number): ArtifactId => `artifact_${artifact}` as ArtifactId
const link = (execution: number, type: 'input' | 'output', path: string, artifact: number): Statement => ({
  text: 'insert into artifact_events (artifact, execution, type, path, at) values (?, ?, ?, ?, 0)',
  values: [artifact, execution, type, path],
})
const change = (execution: number, set: string): Statement => ({ text: `update executions set ${set} where seq = ?`, values: [execution] })

/** Executions as the pipelines record them, in a batch each. */
function records() {
  let artifacts = 0
  let executions = 0
  const make = (execution: number, paths: number): Statement[] =>
    Array.from({ length: paths }, (_, i): Statement[] => {
      const artifact = ++artifacts
      const properties = JSON.stringify(artifact % 3 === 0 ? { text: 'long '.repeat(300) } : { artifact })
      return [
        {
          text: `insert into artifacts (seq, id, type, name, bytes, created, properties, made_by, made_as) values (?, ?, 'data', 'n', 0, 0, ?, ?, ?)`,
          values: [artifact, idOf(artifact), properties, execution, `out${i}`],
        },
        link(execution, 'output', `out${i}`, artifact),
      ]
    }).flat()
  const take = (execution: number, inputs: readonly number[]): Statement[] =>
    inputs.filter((artifact) => artifact <= artifacts).map((artifact, i) => link(execution, 'input', `in${i}`, artifact))
  return {
    artifacts: () => artifacts,
    executions: () => executions,
    async begin(): Promise<void> {
      const execution = ++executions
      await writeBatch(db, [
        {
          text: `insert into executions (seq, id, run, pipeline, step, position, component, component_version, after, state, attempts, params)
            values (?, ?, 'run', 'p', ?, 0, 'c', '1', '[]', 'running', 1, '{}')`,
          values: [execution, `step_${execution}`, `s${execution}`],
        },
      ])
    },
    /** A first end, or one of a further attempt; `reused` artifacts come out of it too. */
    async end(execution: number, inputs: readonly number[], made: number, reused: readonly number[]): Promise<void> {
      const old = reused.filter((artifact) => artifact <= artifacts).map((artifact, i) => link(execution, 'output', `old${i}`, artifact))
      await writeBatch(db, [
        { text: 'delete from artifact_events where execution = ?', values: [execution] },
        ...take(execution, inputs),
        ...make(execution, made),
        ...old,
        change(execution, `state = 'succeeded', ended = 1`),
      ])
    },
    again: (execution: number) => writeBatch(db, [change(execution, `state = 'running', attempts = attempts + 1, ended = null`)]),
    wait: (execution: number) => writeBatch(db, [change(execution, `state = 'waiting'`)]),
  }
}

const byText = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value)).sort()
const sorted = (lineage: Lineage | undefined) =>
  lineage && { artifacts: byText(lineage.artifacts), executions: byText(lineage.executions), events: byText(lineage.events) }

async function expectTheSame(store: LineageStore, artifact: number): Promise<void> {
  for (const direction of ['up', 'down'] as const) {
    const fresh = sorted(await lineageOf(lineageStore(db), idOf(artifact), direction))
    // twice: what the first brought is there for the second; and two at once
    for (let i = 0; i < 2; i++) expect(sorted(await lineageOf(store, idOf(artifact), direction))).toEqual(fresh)
    const both = await Promise.all([1, 2].map(() => lineageOf(store, idOf(artifact), direction)))
    expect(both.map(sorted)).toEqual([fresh, fresh])
  }
}

const numbers = fc.array(fc.nat(), { maxLength: 3 })
const deed = fc.oneof(
  fc.record({ kind: fc.constant('step' as const), inputs: numbers, made: fc.nat(2), reused: numbers }),
  fc.record({ kind: fc.constantFrom('redo' as const, 'begin again' as const), which: fc.nat(), inputs: numbers, made: fc.nat(2) }),
  fc.record({ kind: fc.constant('wait' as const), which: fc.nat() }),
)

test.each([3, 12_000])(
  '[MET-28] lineage with %d kept is what a first look at the records says, whatever was recorded between',
  async (kept) => {
    const property = fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 25 }), async (deeds) => {
      for (const table of ['artifact_events', 'artifacts', 'executions']) await db.executeQuery(CompiledQuery.raw(`delete from ${table}`))
      const store = lineageStore(db, { kept })
      const all = records()
      const some = (of: readonly number[]) => [...new Set(of.map((n) => (n % Math.max(1, all.artifacts())) + 1))]
      for (const one of deeds) {
        const which = 'which' in one ? (one.which % Math.max(1, all.executions())) + 1 : 0
        if (one.kind === 'step') {
          await all.begin()
          await all.end(all.executions(), some(one.inputs), one.made, some(one.reused))
        } else if (all.executions() === 0) continue
        else if (one.kind === 'wait') await all.wait(which)
        else {
          await all.again(which)
          if (one.kind === 'redo') await all.end(which, some(one.inputs), one.made, [])
        }
        const last = all.artifacts()
        if (last > 0) for (const artifact of new Set([1, last, Math.ceil(last / 2)])) await expectTheSame(store, artifact)
      }
    })
    await fc.assert(property, { numRuns: 40, seed: 20260101 })
  },
  60_000,
)

test('[MET-28] a state that has changed is told, without another walk', async () => {
  const all = records()
  await all.begin()
  await all.end(1, [], 1, [])
  await all.begin()
  await all.end(2, [1], 1, [])
  const store = lineageStore(db)
  const states = async () => (await lineageOf(store, idOf(2), 'up'))?.executions.map(({ state }) => state)
  expect(await states()).toEqual(['succeeded', 'succeeded'])
  await all.wait(1)
  expect(await states()).toEqual(['succeeded', 'waiting'])
})

test('[MET-28] of what is kept, the last used stays', () => {
  const kept = recentMap<number, string>(3)
  for (let i = 0; i < 100; i++) {
    kept.set(i, `value ${i}`)
    expect(kept.get(0)).toBe('value 0')
    expect(kept.get(i)).toBe(`value ${i}`)
  }
  const still = Array.from({ length: 100 }, (_, i) => kept.get(i)).filter((value) => value !== undefined)
  expect(still.length).toBeLessThanOrEqual(2 * 3 + 1)
})

test('[MET-28] numbers are in a set once', () => {
  const property = fc.property(fc.array(fc.oneof(fc.nat(200), fc.nat(10_000_000))), (found) => {
    const [set, plain] = [numberSet(), new Set<number>()]
    for (const number of found) {
      expect(set.add(number)).toBe(!plain.has(number))
      plain.add(number)
    }
    for (const number of found) for (const near of [number, number + 1, number + 32]) expect(set.has(near)).toBe(plain.has(near))
  })
  fc.assert(property, { seed: 20260101 })
})
