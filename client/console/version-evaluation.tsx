import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { Card } from '../ui/card.tsx'
import { ArtifactView } from './artifact-view.tsx'
import { Loaded } from './loaded.tsx'
import { useResource } from './resource.ts'
import { api } from './session.ts'

const TITLES: Readonly<Record<string, string>> = {
  blessing: 'Blessing',
  'runtime-blessing': 'Runtime check',
  metrics: 'Measured on the test set',
}

const alone = (all: readonly ArtifactSummary[], one: ArtifactSummary): boolean => all.filter(({ type }) => type === one.type).length === 1

/** How the run that registered a version has judged it: whether it was blessed and why, figures by slice with their intervals. */
export function VersionEvaluation({ run, version }: { run: string; version: number }) {
  const artifacts = useResource(`evaluation ${run}`, async (signal) => {
    const { steps } = await api('runs.get', { params: { run } }, { signal })
    const made = steps.flatMap((step) => Object.values(step.outputs))
    return Object.keys(TITLES).flatMap((type) => made.filter((one) => one.type === type && one.digest !== null))
  })
  return (
    <Loaded resource={artifacts}>
      {(found) => (
        <>
          {found.map((artifact) => (
            <Card
              key={artifact.id}
              title={`${TITLES[artifact.type]} of version ${version}${alone(found, artifact) ? '' : `: ${artifact.name}`}`}
            >
              <ArtifactView artifact={artifact} />
            </Card>
          ))}
        </>
      )}
    </Loaded>
  )
}
