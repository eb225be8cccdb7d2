import { useState } from 'preact/hooks'
import type { ModelSummary, VersionSummary } from '../../../shared/contract/registry.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { bytesText, numberText } from '../../ui/value-text.ts'
import { CardButton } from '../card-button.tsx'
import { AliasHistory } from '../alias-history.tsx'
import { Loaded } from '../loaded.tsx'
import { linkTo, place } from '../location.ts'
import { type ModelAction, ModelActionDialog } from '../model-action-dialog.tsx'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { api, may } from '../session.ts'
import { VersionEvaluation } from '../version-evaluation.tsx'
import { VersionLineage } from '../version-lineage.tsx'
import { RunLink } from '../run-link.tsx'

/** Metrics shown as columns; the rest stands in the run. */
const MAX_METRIC_COLUMNS = 2

export function ModelPage({ name }: { name: string }) {
  const params = { model: name }
  const changed = ofType('version', 'alias', 'release')
  const model = useResource(`model ${name}`, (signal) => api('models.get', { params }, { signal }), changed)
  const versions = useResource(`versions ${name}`, (signal) => api('versions.list', { params }, { signal }), changed)
  const [action, setAction] = useState<ModelAction>()
  const chosen = versions.data?.items.find(({ version }) => String(version) === place.value.query.get('lineage'))
  const reload = () => {
    model.reload()
    versions.reload()
  }
  return (
    <Page
      title={name}
      above={{ name: 'Models', href: linkTo(['models']) }}
      lead={model.data?.description}
      actions={
        <>
          <a class="button" href={linkTo(['monitoring', name])}>
            Monitoring
          </a>
          <a class="button" href={linkTo(['rollouts'], { model: name })}>
            Rollouts
          </a>
        </>
      }
    >
      <Card title="Versions" hint={may('releaser') ? undefined : 'Moving an alias needs a key with the releaser scope.'}>
        <Loaded resource={versions}>{({ items }) => <Versions items={items} onAction={setAction} />}</Loaded>
      </Card>
      {chosen === undefined || chosen.run === null ? null : (
        <>
          <VersionLineage key={chosen.version} run={chosen.run} version={chosen.version} />
          <VersionEvaluation key={`evaluation ${chosen.version}`} run={chosen.run} version={chosen.version} />
        </>
      )}
      <Loaded resource={model}>{(data) => <AliasCards model={data} onAction={setAction} />}</Loaded>
      {action === undefined ? null : (
        <ModelActionDialog
          model={name}
          action={action}
          aliases={model.data?.aliases ?? {}}
          onDone={reload}
          onClose={() => setAction(undefined)}
        />
      )}
    </Page>
  )
}

function Versions({ items, onAction }: { items: readonly VersionSummary[]; onAction: (action: ModelAction) => void }) {
  if (items.length === 0) return <Empty icon="models" title="No version registered yet" />
  const metrics = [...new Set(items.flatMap((version) => Object.keys(version.metrics)))].slice(0, MAX_METRIC_COLUMNS)
  return (
    <Table
      label="Versions"
      rows={items}
      rowKey={(version) => String(version.version)}
      columns={[
        {
          title: 'Version',
          cell: (version) => (
            <span class="row">
              <strong>v{version.version}</strong>
              {version.aliases.map((alias) => (
                <Badge key={alias} tone="accent">
                  {alias}
                </Badge>
              ))}
              {version.revoked === null ? null : <Badge tone="bad">revoked</Badge>}
            </span>
          ),
        },
        ...metrics.map((metric) => ({
          title: metric,
          right: true,
          cell: (version: VersionSummary) => (version.metrics[metric] === undefined ? '–' : numberText(version.metrics[metric])),
        })),
        { title: 'Size', right: true, cell: (version) => bytesText(version.bytes) },
        { title: 'Parent', cell: (version) => (version.parent === null ? '–' : `v${version.parent}`) },
        {
          title: 'Run',
          cell: (version) => (version.run === null ? '–' : <RunLink run={version.run} />),
        },
        { title: 'Created', cell: (version) => <Ago at={version.created} /> },
        {
          title: 'Actions',
          cell: (version) => (
            <span class="row">
              {version.run === null ? null : (
                <a
                  class="button"
                  href={linkTo(['models', version.model], { lineage: String(version.version) })}
                  aria-label={`Details of version ${version.version}`}
                >
                  Details
                </a>
              )}
              <CardButton model={version.model} version={version.version} />
              <Button
                disabled={!may('releaser') || version.revoked !== null}
                onClick={() => onAction({ kind: 'set-alias', version: version.version })}
                aria-label={`Set alias to version ${version.version}`}
              >
                Set alias
              </Button>
              <Button
                kind="quiet"
                disabled={!may('releaser') || version.revoked !== null || version.aliases.length > 0}
                title={version.aliases.length > 0 ? 'An alias points at it' : undefined}
                onClick={() => onAction({ kind: 'revoke', version: version.version })}
                aria-label={`Revoke version ${version.version}`}
              >
                Revoke
              </Button>
            </span>
          ),
        },
      ]}
    />
  )
}

function AliasCards({ model, onAction }: { model: ModelSummary; onAction: (action: ModelAction) => void }) {
  const aliases = Object.entries(model.aliases)
  if (aliases.length === 0) {
    return (
      <Card title="Aliases">
        <Empty title="No alias yet">Devices receive a version once the alias they follow points at it.</Empty>
      </Card>
    )
  }
  return (
    <>
      {aliases.map(([alias, version]) => (
        <Card
          key={alias}
          title={`Alias ${alias}`}
          hint={`Points at version ${version}.`}
          actions={
            <Button icon="undo" disabled={!may('releaser')} onClick={() => onAction({ kind: 'rollback', alias })}>
              Roll back
            </Button>
          }
        >
          <AliasHistory model={model.name} alias={alias} version={version} />
        </Card>
      ))}
    </>
  )
}
