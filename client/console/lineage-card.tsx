import { Card } from '../ui/card.tsx'
import { Dag } from '../ui/dag.tsx'
import { lineageGraph } from './lineage-graph.ts'
import { Loaded } from './loaded.tsx'
import { linkTo } from './location.ts'
import { useResource } from './resource.ts'
import { api } from './session.ts'

/** What an artifact was made from, above it, and what was made from it, below; each leads to its own page. */
export function LineageCard({ artifact, title = 'Lineage' }: { artifact: string; title?: string }) {
  const lineage = useResource(`lineage ${artifact}`, async (signal) => {
    const ask = (direction: 'up' | 'down') => api('artifacts.lineage', { params: { artifact }, query: { direction } }, { signal })
    const [up, down] = await Promise.all([ask('up'), ask('down')])
    return lineageGraph(up, down)
  })
  return (
    <Card title={title} hint="Above: what it was made from. Below: what was made from it. Choose one to go to it.">
      <Loaded resource={lineage} lines={4}>
        {({ nodes, left }) => (
          <div class="stack-tight">
            <Dag
              label="Artifacts and what they were made from"
              selected={artifact}
              onSelect={(id) => location.assign(linkTo(['artifacts', id]))}
              items={nodes.map(({ artifact: one, after }) => ({
                name: one.id,
                title: one.name === '' ? one.type : one.name,
                after,
                state: one.type,
                tone: one.id === artifact ? 'accent' : 'neutral',
                note: one.step ?? '',
                progress: null,
              }))}
            />
            {left === 0 ? null : (
              <p class="small muted">
                {left} more lie farther away: `shoal lineage {artifact}` lists all.
              </p>
            )}
          </div>
        )}
      </Loaded>
    </Card>
  )
}
