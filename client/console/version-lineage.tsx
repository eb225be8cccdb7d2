import { Card } from '../ui/card.tsx'
import { Empty } from '../ui/states.tsx'
import { LineageCard } from './lineage-card.tsx'
import { Loaded } from './loaded.tsx'
import { useResource } from './resource.ts'
import { api } from './session.ts'

/** The lineage of a version that a run has registered. */
export function VersionLineage({ run, version }: { run: string; version: number }) {
  const title = `Lineage of version ${version}`
  const artifact = useResource(`version artifact ${run} ${version}`, async (signal) => {
    const { steps } = await api('runs.get', { params: { run } }, { signal })
    const made = steps.flatMap((step) => Object.values(step.outputs))
    return made.find(({ type, properties }) => type === 'version' && properties['version'] === version)?.id ?? null
  })
  return (
    <Loaded resource={artifact}>
      {(id) =>
        id === null ? (
          <Card title={title}>
            <Empty icon="branch" title="Its run has no record of it">
              It was registered by hand, or its run is of another server.
            </Empty>
          </Card>
        ) : (
          <LineageCard artifact={id} title={title} />
        )
      }
    </Loaded>
  )
}
