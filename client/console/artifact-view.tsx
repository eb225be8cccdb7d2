import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { Facts } from '../ui/card.tsx'
import { HeatMap } from '../ui/heat-map.tsx'
import { numberText } from '../ui/value-text.ts'
import { confusionOf, historyOf, numbersOf } from './artifact-content.ts'
import { LinePlot } from '../ui/line-plot.tsx'
import { blessingOf, slicesOf } from './evaluation-content.ts'
import { BlessingView, SliceTable } from './evaluation-tables.tsx'
import { Loaded } from './loaded.tsx'
import { useResource } from './resource.ts'
import { api } from './session.ts'

const pointsOf = (values: readonly (number | null)[]) => values.flatMap((value, at) => (value === null ? [] : [{ step: at + 1, value }]))

/** What a JSON artifact holds: as a plot where it is a training history, as a heat map where it has a confusion matrix, as tables where it says how a model was
 * judged, and as text. */
export function ArtifactView({ artifact }: { artifact: ArtifactSummary }) {
  const content = useResource(
    `artifact ${artifact.id}`,
    async (signal): Promise<unknown> => (await api('artifacts.content', { params: { artifact: artifact.id } }, { signal })).json(),
  )
  return (
    <Loaded resource={content}>
      {(value) => {
        const confusion = confusionOf(value)
        const history = historyOf(value)
        const numbers = numbersOf(value)
        const slices = slicesOf(value)
        const blessing = blessingOf(value)
        return (
          <div class="stack">
            {blessing === undefined ? null : <BlessingView blessing={blessing} />}
            {numbers.length === 0 ? null : <Facts items={numbers.map(([name, number]) => [name, numberText(number)])} />}
            {history?.map(({ name, values }) => (
              <LinePlot key={name} label={name} unit="epoch" series={[{ name: 'this training', points: pointsOf(values) }]} />
            ))}
            {slices === undefined ? null : <SliceTable name={artifact.name} slices={slices} />}
            {confusion === undefined ? null : <HeatMap label="Confusion matrix" classes={confusion.classes} counts={confusion.counts} />}
            <details class="small">
              <summary>JSON</summary>
              {/* scrolls, so it takes the focus */}
              <pre class="code-block" tabIndex={0} role="region" aria-label="Content as JSON">
                {JSON.stringify(value, null, 2).slice(0, 100_000)}
              </pre>
            </details>
          </div>
        )
      }}
    </Loaded>
  )
}
