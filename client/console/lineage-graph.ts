import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import type { RouteReply } from '../../shared/contract/route.ts'
import type { Routes } from '../../shared/contract/routes.ts'

export type Lineage = RouteReply<Routes['artifacts.lineage']>

/** An artifact and those that it was made from, by id. */
export type LineageNode = { readonly artifact: ArtifactSummary; readonly after: readonly string[] }

/** More would not be read in a picture. The nearest ones are kept: lineage comes nearest first. */
const MAX_NODES = 60

/** What an artifact was made from and what was made from it, as one graph of artifacts. */
export function lineageGraph(up: Lineage, down: Lineage): { nodes: LineageNode[]; left: number } {
  const near: ArtifactSummary[] = []
  for (let i = 0; i < Math.max(up.artifacts.length, down.artifacts.length); i++)
    for (const artifact of [up.artifacts[i], down.artifacts[i]])
      if (artifact !== undefined && !near.some(({ id }) => id === artifact.id)) near.push(artifact)
  const shown = near.slice(0, MAX_NODES)
  const ids = new Set<string>(shown.map(({ id }) => id))
  const events = [...up.events, ...down.events]
  const inputs = new Map<string, Set<string>>()
  for (const { type, execution, artifact } of events)
    if (type === 'input' && ids.has(artifact)) inputs.set(execution, (inputs.get(execution) ?? new Set()).add(artifact))
  const after = new Map<string, Set<string>>()
  for (const { type, execution, artifact } of events) {
    if (type !== 'output') continue
    const known = after.get(artifact) ?? new Set<string>()
    for (const from of inputs.get(execution) ?? []) if (from !== artifact) known.add(from)
    after.set(artifact, known)
  }
  return { nodes: shown.map((artifact) => ({ artifact, after: [...(after.get(artifact.id) ?? [])] })), left: near.length - shown.length }
}
