import { Badge } from '../../ui/badge.tsx'
import { Card, Facts } from '../../ui/card.tsx'
import { bytesText, exactTimeText, shortId } from '../../ui/value-text.ts'
import { ArtifactRow } from '../artifact-row.tsx'
import { LineageCard } from '../lineage-card.tsx'
import { Loaded } from '../loaded.tsx'
import { linkTo } from '../location.ts'
import { Page } from '../page.tsx'
import { useResource } from '../resource.ts'
import { api } from '../session.ts'

/** One artifact: where it comes from, what it holds, and its place among others. */
export function ArtifactPage({ id }: { id: string }) {
  const artifact = useResource(`artifact ${id} itself`, (signal) => api('artifacts.get', { params: { artifact: id } }, { signal }))
  const { data } = artifact
  return (
    <Page
      title={data === undefined ? 'Artifact' : data.name === '' ? data.type : data.name}
      above={
        data === undefined || data.run === null
          ? { name: 'Runs', href: linkTo(['runs']) }
          : { name: 'Run', href: linkTo(['runs', data.run], data.step === null ? {} : { step: data.step }) }
      }
      badges={
        <>
          {data === undefined ? null : <Badge>{data.type}</Badge>}
          <code class="muted">{shortId(id)}</code>
        </>
      }
    >
      <Loaded resource={artifact} lines={4}>
        {(one) => (
          <>
            <Card title="Facts">
              <Facts
                items={[
                  ['Made', exactTimeText(one.created)],
                  ['By step', one.step ?? '–'],
                  ['Size', bytesText(one.bytes)],
                  ['SHA-256', <code class="break">{one.digest ?? 'deleted'}</code>],
                  ...Object.entries(one.properties).map(([name, value]) => [name, <code>{JSON.stringify(value)}</code>] as const),
                ]}
              />
            </Card>
            <Card title="Content">
              <ul role="list" class="list-links">
                <ArtifactRow name={one.name === '' ? one.type : one.name} artifact={one} />
              </ul>
            </Card>
            <LineageCard artifact={id} />
          </>
        )}
      </Loaded>
    </Page>
  )
}
