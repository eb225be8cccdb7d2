import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { must } from '../../shared/core/assert.ts'
import type { ArtifactId, RunId, StepId } from '../../shared/core/ids.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { StepState } from '../pipeline/planner.ts'
import type { Db } from '../storage/database.ts'
import { readTuples } from '../storage/statements.ts'
import type { MetadataTables } from './metadata-store.ts'
import { recentMap } from './recent-map.ts'

export type LineageEvent = {
  readonly artifact: ArtifactId
  readonly execution: StepId
  readonly type: 'input' | 'output'
  readonly path: string
}
export type LineageExecution = {
  readonly id: StepId
  readonly run: RunId
  readonly step: string
  readonly component: string
  readonly state: StepState
}

/** An artifact, which never changes: neither does who made it, as which of its outputs. */
export type KnownArtifact = {
  readonly summary: Readonly<ArtifactSummary>
  /** Null for one that no execution made. */
  readonly maker: number | null
  readonly path: string
}

/** What went into an execution, or came out of it, in the same order. */
export type Links = { readonly artifacts: readonly number[]; readonly paths: readonly string[] }

/** An execution with what its row said last. Its links change only where `attempts` or `over` does: they are recorded with an attempt's end, in one transaction. */
export type KnownExecution = {
  readonly seq: number
  readonly attempts: number
  /** 1 when that attempt has ended, else 0. */
  readonly over: number
  readonly execution: LineageExecution
  inputs?: Links
  outputs?: Links
}

/** Artifacts and executions that are kept at hand, of each half or all of so many. An artifact and an execution with their links take 1 to 2 kB. */
const KEPT = 12_000
/** Properties of more characters are read anew each time. */
const MAX_KEPT_PROPERTIES = 1000

type ArtifactTuple = [
  seq: number,
  id: ArtifactId,
  type: string,
  name: string,
  digest: Sha256 | null,
  bytes: number,
  created: number,
  properties: string,
  maker: number | null,
  made: string | null,
]
type StateTuple = [seq: number, attempts: number, over: number, state: StepState]
type ExecutionTuple = [...StateTuple, id: StepId, run: RunId, step: string, component: string]
type UseTuple = [artifact: number, execution: number, path: string]
type NullOf<T> = { [K in keyof T]: null }
type LinkTuple = [execution: number, artifact: number | null, path: string | null]

/**
 * What lineage walks over: artifacts and executions by number, each question for many at a time. What was read is kept for the next walks, in whose replies it stands: nobody
 * may change it.
 */
export function lineageStore(base: Db, { kept = KEPT }: { readonly kept?: number } = {}) {
  const keptArtifacts = recentMap<number, KnownArtifact>(kept)
  const keptExecutions = recentMap<number, KnownExecution>(kept)

  const numbered = async <R extends unknown[]>(
    text: string,
    seqs: readonly number[],
    also: readonly (string | number)[] = [],
  ): Promise<R[]> => (seqs.length === 0 ? [] : readTuples<R>(base, { text, values: [JSON.stringify(seqs), ...also] }))
  const count = async (text: string, seqs: readonly number[], also: readonly (string | number)[] = []): Promise<number> =>
    (await numbered<[number]>(text, seqs, also))[0]?.[0] ?? 0

  async function readLinks(of: readonly KnownExecution[], type: LineageEvent['type']): Promise<void> {
    const side = type === 'input' ? 'inputs' : 'outputs'
    const unread = new Map<number, KnownExecution>()
    for (const known of of) if (known[side] === undefined) unread.set(known.seq, known)
    if (unread.size === 0) return
    const found = await numbered<LinkTuple>(type === 'input' ? INPUTS : OUTPUTS, [...unread.keys()])
    setLinks(found, (seq) => unread.get(seq), side)
    // only now: another walk must not take for known what is on its way
    for (const known of unread.values()) known[side] ??= NO_LINKS
  }

  return {
    numberOf: async (id: ArtifactId): Promise<number | undefined> =>
      (await base.withTables<MetadataTables>().selectFrom('artifacts').select('seq').where('id', '=', id).executeTakeFirst())?.seq,

    /**
     * One walk. What never changes it takes from what was kept, without asking. What may change - the state of an execution, and whether its links are still those - it takes from there
     * too, and asks for all of it together at its end (`confirm`). Who uses an artifact is asked for each time.
     */
    walk() {
      const artifacts = new Map<number, KnownArtifact>()
      const seen = new Map<number, KnownExecution>()
      /** Of those, the ones that were not read in this walk. */
      let assumed: KnownExecution[] = []

      const remember = (known: KnownExecution): void => {
        seen.set(known.seq, known)
        keptExecutions.set(known.seq, known)
      }

      const rememberTuple = ([seq, attempts, over, state, id, run, step, component]: ExecutionTuple): void => {
        if (!seen.has(seq)) remember({ seq, attempts, over, execution: { id, run, step, component, state } })
      }

      async function executions(seqs: readonly number[]): Promise<KnownExecution[]> {
        const unread = unseen(seqs)
        for (const tuple of await numbered<ExecutionTuple>(EXECUTIONS, unread)) rememberTuple(tuple)
        return valuesOf(seen, seqs)
      }

      /** Those of which nothing is kept. */
      function unseen(seqs: readonly number[]): number[] {
        const found: number[] = []
        for (const seq of seqs) {
          if (seen.has(seq)) continue
          const known = keptExecutions.get(seq)
          if (known === undefined) found.push(seq)
          else {
            seen.set(seq, known)
            assumed.push(known)
          }
        }
        return found
      }

      function rememberArtifact([seq, id, type, name, digest, bytes, created, text, maker, path]: ArtifactTuple): void {
        const by = maker === null ? undefined : seen.get(maker)?.execution
        const artifact: KnownArtifact = {
          summary: {
            id,
            type,
            name,
            digest,
            bytes,
            created,
            properties: JSON.parse(text) as JsonObject,
            run: by?.run ?? null,
            step: by?.step ?? null,
          },
          maker: by === undefined ? null : maker,
          path: path ?? '',
        }
        artifacts.set(seq, artifact)
        if (text.length <= MAX_KEPT_PROPERTIES) keptArtifacts.set(seq, artifact)
      }

      /** Those of which nothing is kept. */
      function unknown(seqs: readonly number[]): number[] {
        const found: number[] = []
        for (const seq of seqs) {
          if (artifacts.has(seq)) continue
          const known = keptArtifacts.get(seq)
          if (known === undefined) found.push(seq)
          else artifacts.set(seq, known)
        }
        return found
      }

      return {
        /** In the order of the numbers; those that are not there are left out. */
        executions,

        /** Likewise, with what they put out. */
        async executionsWithOutputs(seqs: readonly number[]): Promise<KnownExecution[]> {
          const found = await numbered<[...ExecutionTuple, artifact: number | null, path: string | null]>(
            EXECUTIONS_WITH_OUTPUTS,
            unseen(seqs),
          )
          for (const [seq, attempts, over, state, id, run, step, component] of found)
            rememberTuple([seq, attempts, over, state, id, run, step, component])
          setLinks(
            found.map(([seq, , , , , , , , artifact, path]): LinkTuple => [seq, artifact, path]),
            (seq) => seen.get(seq),
            'outputs',
          )
          const all = valuesOf(seen, seqs)
          await readLinks(all, 'output')
          return all
        },

        /** Likewise, with their makers, which are known to the walk then. */
        async artifactsWithMakers(seqs: readonly number[]): Promise<KnownArtifact[]> {
          const found = await numbered<[...ArtifactTuple, ...(ExecutionTuple | NullOf<ExecutionTuple>)]>(
            ARTIFACTS_WITH_MAKERS,
            unknown(seqs),
          )
          for (const [seq, id, type, name, digest, bytes, created, text, maker, path, ...execution] of found) {
            if (execution[0] !== null) rememberTuple(execution as ExecutionTuple)
            rememberArtifact([seq, id, type, name, digest, bytes, created, text, maker, path])
          }
          return valuesOf(artifacts, seqs)
        },

        /** Likewise, where their makers are known already, or most of them. */
        async artifacts(seqs: readonly number[]): Promise<KnownArtifact[]> {
          const found = await numbered<ArtifactTuple>(ARTIFACTS, unknown(seqs))
          const makers = new Set<number>()
          for (const [, , , , , , , , maker] of found) if (maker !== null) makers.add(maker)
          await executions([...makers])
          for (const tuple of found) rememberArtifact(tuple)
          return valuesOf(artifacts, seqs)
        },

        /** That it was come by in a walk before, not long ago. */
        isKept: (artifact: number): boolean => keptArtifacts.get(artifact) !== undefined,

        /** Those that this walk has come by. */
        artifact: (seq: number): KnownArtifact => must(artifacts.get(seq), 'the artifact of a link'),
        execution: (seq: number): KnownExecution => must(seen.get(seq), 'the execution of a link'),

        /** Which executions took these, and as what. */
        uses: (of: readonly number[]): Promise<UseTuple[]> => numbered<UseTuple>(USES, of),

        /** The same, executions only: one that took several is there as often. */
        users: async (of: readonly number[]): Promise<number[]> => (await numbered<[number]>(USERS, of)).map(([execution]) => execution),

        /** Has the inputs of these known. */
        readInputs: (of: readonly KnownExecution[]): Promise<void> => readLinks(of, 'input'),

        /** Asks whether all that was taken from before is as it was, and says what is not; where that is links, the walk is to be done again, with what is known now. */
        async confirm(): Promise<'nothing' | 'states' | 'links'> {
          let changed: 'nothing' | 'states' | 'links' = 'nothing'
          const groups = groupsOf(assumed)
          assumed = []
          for (const group of groups) {
            const { attempts, over, execution } = must(group[0], 'an execution of a group')
            const keys = group.map(({ seq }) => seq)
            // as many as there were: nothing of them is read
            if ((await count(ALIKE, keys, [attempts, over, execution.state])) === keys.length) continue
            const before = new Map(group.map((known) => [known.seq, known]))
            for (const [seq, now, ended, state] of await numbered<StateTuple>(STATES, keys)) {
              const known = must(before.get(seq), 'an execution that was asked for')
              if (known.attempts !== now || known.over !== ended) {
                changed = 'links'
                remember({ seq, attempts: now, over: ended, execution: { ...known.execution, state } })
              } else if (known.execution.state !== state) {
                if (changed === 'nothing') changed = 'states'
                remember({ ...known, execution: { ...known.execution, state } })
              }
            }
          }
          return changed
        },
      }
    },
  }
}

/** Those whose row says the same. */
function groupsOf(executions: readonly KnownExecution[]): KnownExecution[][] {
  const groups: KnownExecution[][] = []
  for (const known of executions) {
    const group = groups.find(([first]) => first !== undefined && saysTheSame(first, known))
    if (group === undefined) groups.push([known])
    else group.push(known)
  }
  return groups
}

const saysTheSame = (a: KnownExecution, b: KnownExecution): boolean =>
  a.attempts === b.attempts && a.over === b.over && a.execution.state === b.execution.state

const ARTIFACT = 'a.seq, a.id, a.type, a.name, a.digest, a.bytes, a.created, a.properties, a.made_by, a.made_as'
const STATE = 'x.seq, x.attempts, x.ended is not null, x.state'
const EXECUTION = `${STATE}, x.id, x.run, x.step, x.component`

/** Rows by their number, in the order of the list: one value, and a text that stays compiled, for any number of them. */
const NUMBERED = 'from json_each(?) n cross join'

const STATES = `select ${STATE} ${NUMBERED} executions x on x.seq = n.value`
const ALIKE = `select count(*) ${NUMBERED} executions x on x.seq = n.value where x.attempts = ? and (x.ended is not null) = ? and x.state = ?`
const EXECUTIONS = `select ${EXECUTION} ${NUMBERED} executions x on x.seq = n.value`
const EXECUTIONS_WITH_OUTPUTS = `select ${EXECUTION}, v.artifact, v.path ${NUMBERED} executions x on x.seq = n.value
  left join artifact_events v on v.execution = x.seq and v.type = 'output'`
const ARTIFACTS = `select ${ARTIFACT} ${NUMBERED} artifacts a on a.seq = n.value`
const ARTIFACTS_WITH_MAKERS = `select ${ARTIFACT}, ${EXECUTION} ${NUMBERED} artifacts a on a.seq = n.value left join executions x on x.seq = a.made_by`
const USES = `select v.artifact, v.execution, v.path ${NUMBERED} artifact_events v on v.artifact = n.value and v.type = 'input'`
const USERS = `select v.execution ${NUMBERED} artifact_events v on v.artifact = n.value and v.type = 'input'`
const INPUTS = `select v.execution, v.artifact, v.path ${NUMBERED} artifact_events v on v.execution = n.value and v.type = 'input'`
const OUTPUTS = `select v.execution, v.artifact, v.path ${NUMBERED} artifact_events v on v.execution = n.value and v.type = 'output'`

const NO_LINKS: Links = { artifacts: [], paths: [] }

/** Rows of one execution follow each other. */
function setLinks(rows: readonly LinkTuple[], executionOf: (seq: number) => KnownExecution | undefined, side: 'inputs' | 'outputs'): void {
  for (let from = 0; from < rows.length; ) {
    const [seq, artifact] = must(rows[from], 'a row')
    let to = from + 1
    while (rows[to]?.[0] === seq) to++
    const known = must(executionOf(seq), 'an execution that was asked for')
    // lists of just this length: there are thousands, and one that grew has room for 17
    const own = rows.slice(from, to)
    known[side] =
      artifact === null ? NO_LINKS : { artifacts: own.map((row) => row[1] ?? Number.NaN), paths: own.map((row) => row[2] ?? '') }
    from = to
  }
}

function valuesOf<V>(map: ReadonlyMap<number, V>, keys: readonly number[]): V[] {
  const found: V[] = []
  for (const key of keys) {
    const value = map.get(key)
    if (value !== undefined) found.push(value)
  }
  return found
}

export type LineageStore = ReturnType<typeof lineageStore>
export type LineageWalk = ReturnType<LineageStore['walk']>
