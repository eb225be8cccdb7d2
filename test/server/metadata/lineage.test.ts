import { CompiledQuery } from 'kysely'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manualClock } from '../../../shared/core/clock.ts'
import { sha256 } from '../../../shared/core/digest.ts'
import type { ArtifactId } from '../../../shared/core/ids.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { type Lineage, lineageOf } from '../../../server/metadata/lineage.ts'
import { lineageStore } from '../../../server/metadata/lineage-store.ts'
import { addArtifact, linkArtifacts, metadataStore } from '../../../server/metadata/metadata-store.ts'
import { numberSet } from '../../../server/metadata/number-set.ts'
import { type Statement, writeBatch } from '../../../server/storage/statements.ts'
import { type Db, openDatabase } from '../../../server/storage/database.ts'

let db: Db
const digest = await sha256(new Uint8Array([7]))
beforeEach(async () => {
  db = await openDatabase({ file: ':memory:', clock: manualClock() })
  await db.executeQuery(
    CompiledQuery.raw(`insert into runs (id, seq, pipeline, pipeline_digest, state, "trigger", params, seed, created)
      values ('run', 1, 'p', 'd', 'running', '{}', '{}', 1, 0)`),
  )
})
afterEach(() => db.destroy())

type Artifact = { readonly id: ArtifactId; readonly maker: number; readonly path: string; readonly properties: JsonObject }
type Execution = { state: string; inputs: Record<string, ArtifactId>; outputs: Record<string, ArtifactId> }

/** Executions as pipelines record them, in a batch each; and beside the database what they should have come to. Numbers are from 1. */
function records() {
  const artifacts: Artifact[] = []
  const executions: Execution[] = []
  const change = async (which: number, state: string, attempt = 0): Promise<void> => {
    const text = 'update executions set state = ?, attempts = attempts + ? where seq = ?'
    await writeBatch(db, [{ text, values: [state, attempt, which] }])
    executionOf(which).state = state
  }
  const executionOf = (which: number): Execution => executions[which - 1] ?? expect.unreachable()
  const named = (name: string, some: readonly number[]) =>
    Object.fromEntries(some.map((n, i) => [`${name} "${i}"`, artifacts[n - 1]?.id ?? expect.unreachable()]))

  return {
    artifacts,
    executions,
    async begin(): Promise<number> {
      const which = executions.push({ state: 'running', inputs: {}, outputs: {} })
      const text = `insert into executions (seq, id, run, pipeline, step, position, component, component_version, after, state, attempts, params)
        values (?, ?, 'run', 'p', ?, 0, 'a "component"', '1', '[]', 'running', 1, '{}')`
      await writeBatch(db, [{ text, values: [which, `step_${which}`, `s${which}`] }])
      return which
    },
    /** A first end, or one of a further attempt; `reused` artifacts come out of it too. */
    async end(which: number, inputs: readonly number[], made: number, reused: readonly number[]): Promise<void> {
      const taken = named('in', inputs)
      const fresh = Array.from({ length: made }, (_, i): Artifact => {
        const n = artifacts.length + i + 1
        return { id: `artifact_${n}` as ArtifactId, maker: which, path: `out${i}`, properties: { n, text: '"],[{,\n' } }
      })
      const outputs = { ...named('old', reused), ...Object.fromEntries(fresh.map(({ path, id }) => [path, id])) }
      const added = fresh.map(
        ({ id, path, properties }): Statement =>
          addArtifact({ id, type: 'data', name: `"${id}`, digest, bytes: 5, properties, made_by: which, made_as: path }, 9),
      )
      await writeBatch(db, [...added, ...linkArtifacts(which, { inputs: taken, outputs })])
      artifacts.push(...fresh)
      Object.assign(executionOf(which), { inputs: taken, outputs })
      await change(which, 'succeeded')
    },
    again: (which: number) => change(which, 'running', 1),
    wait: (which: number) => change(which, 'waiting'),

    /** What lineage should say, by going through everything again and again. */
    lineage(start: ArtifactId, direction: 'up' | 'down'): Lineage {
      const reached = new Set([start])
      const met = new Set<number>()
      for (let size = 0; size < reached.size + met.size; ) {
        size = reached.size + met.size
        for (const { id, maker } of artifacts) if (direction === 'up' && reached.has(id)) met.add(maker)
        for (const [i, { inputs }] of executions.entries())
          if (direction === 'down' && Object.values(inputs).some((id) => reached.has(id))) met.add(i + 1)
        for (const which of met) {
          const { inputs, outputs } = executionOf(which)
          for (const id of Object.values(direction === 'up' ? inputs : outputs)) reached.add(id)
        }
      }
      const events: Lineage['events'] = []
      for (const which of met) {
        const { inputs, outputs } = executionOf(which)
        const made = artifacts.filter(({ id, maker }) => maker === which && reached.has(id)).map(({ path, id }) => [path, id] as const)
        const add = (type: 'input' | 'output', links: readonly (readonly [string, ArtifactId])[]): void => {
          for (const [path, artifact] of links)
            if (reached.has(artifact)) events.push({ artifact, execution: `step_${which}` as never, type, path })
        }
        add('input', Object.entries(inputs))
        add('output', direction === 'up' ? made : Object.entries(outputs))
      }
      return {
        artifacts: artifacts
          .filter(({ id }) => reached.has(id))
          .map(({ id, maker, properties }) => {
            const step = `s${maker}`
            return { id, type: 'data', name: `"${id}`, digest, bytes: 5, created: 9, properties, run: 'run' as never, step }
          }),
        executions: [...met].map((which) => {
          const { state } = executionOf(which)
          return { id: `step_${which}` as never, run: 'run' as never, step: `s${which}`, component: 'a "component"', state: state as never }
        }),
        events,
      }
    },
  }
}
type Records = ReturnType<typeof records>

const byText = (values: readonly unknown[]): string[] =>
  values.map((value) => JSON.stringify(Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1)))).sort()
const sorted = (lineage: Lineage | undefined) =>
  lineage && { artifacts: byText(lineage.artifacts), executions: byText(lineage.executions), events: byText(lineage.events) }

async function expectLineage(all: Records, artifact: number): Promise<void> {
  const id = all.artifacts[artifact - 1]?.id ?? expect.unreachable()
  for (const direction of ['up', 'down'] as const)
    expect(sorted(await lineageOf(lineageStore(db), id, direction))).toEqual(sorted(all.lineage(id, direction)))
}

const numbers = fc.array(fc.nat(), { maxLength: 3 })
const deed = fc.oneof(
  fc.record({ kind: fc.constant('step' as const), inputs: numbers, made: fc.nat(2), reused: numbers }),
  fc.record({ kind: fc.constantFrom('redo' as const, 'begin again' as const), which: fc.nat(), inputs: numbers, made: fc.nat(2) }),
  fc.record({ kind: fc.constant('wait' as const), which: fc.nat() }),
)

test('[MET-28] lineage is what the records say, whatever was recorded', async () => {
  const property = fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 25 }), async (deeds) => {
    for (const table of ['artifact_uses', 'artifacts', 'executions']) await db.executeQuery(CompiledQuery.raw(`delete from ${table}`))
    const all = records()
    const some = (of: readonly number[]) => (all.artifacts.length === 0 ? [] : [...new Set(of.map((n) => (n % all.artifacts.length) + 1))])
    for (const one of deeds) {
      const which = 'which' in one ? (one.which % Math.max(1, all.executions.length)) + 1 : 0
      if (one.kind === 'step') await all.end(await all.begin(), some(one.inputs), one.made, some(one.reused))
      else if (all.executions.length === 0) continue
      else if (one.kind === 'wait') await all.wait(which)
      else {
        await all.again(which)
        if (one.kind === 'redo') await all.end(which, some(one.inputs), one.made, [])
      }
      const last = all.artifacts.length
      if (last > 0) for (const artifact of new Set([1, last, Math.ceil(last / 2)])) await expectLineage(all, artifact)
    }
  })
  await fc.assert(property, { numRuns: 40, seed: 20260101 })
}, 60_000)

test('[MET-28] an execution of thousands of inputs and outputs is in lineage as one of few is', async () => {
  const all = records()
  await all.end(await all.begin(), [], 1, [])
  await all.end(await all.begin(), [1], 2500, [])
  await all.end(
    await all.begin(),
    Array.from({ length: 2501 }, (_, i) => i + 1),
    1,
    [],
  )
  await expectLineage(all, 1)
  await expectLineage(all, 2502)
})

test('[MET-28] what an attempt recorded gives way to what the next one does; an unknown artifact is refused', async () => {
  const all = records()
  await all.end(await all.begin(), [], 2, [])
  await all.end(await all.begin(), [1], 1, [])
  await all.again(2)
  await all.end(2, [2], 1, [])
  const attached = async (type: 'input' | 'output') =>
    (await metadataStore(db).attached(['step_2'], type)).map(({ path, artifact }) => [path, artifact.id])
  expect(await attached('input')).toEqual([['in "0"', 'artifact_2']])
  expect(await attached('output')).toEqual([['out0', 'artifact_4']])
  const { rows } = await db.executeQuery(CompiledQuery.raw('select artifact, execution from artifact_uses'))
  expect(rows).toEqual([{ artifact: 2, execution: 2 }])
  for (const type of ['inputs', 'outputs'] as const)
    await expect(writeBatch(db, linkArtifacts(2, { inputs: {}, outputs: {}, [type]: { x: 'artifact_none' } }))).rejects.toThrow(/NULL|null/)
  await expectLineage(all, 2)
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
