import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Icon, type IconName, Mark } from '../ui/icons.tsx'
import { Empty } from '../ui/states.tsx'
import { ThemeToggle } from '../ui/theme.tsx'
import { openAlerts, watchAlerts } from './alert-watch.ts'
import { liveState } from './live.ts'
import { linkTo, place } from './location.ts'
import { Page } from './page.tsx'
import { AlertsPage } from './pages/alerts-page.tsx'
import { ArtifactPage } from './pages/artifact-page.tsx'
import { ComparePage } from './pages/compare-page.tsx'
import { DatasetsPage } from './pages/datasets-page.tsx'
import { FederationPage } from './pages/federation-page.tsx'
import { ModelPage } from './pages/model-page.tsx'
import { ModelsPage } from './pages/models-page.tsx'
import { MonitoringPage } from './pages/monitoring-page.tsx'
import { OverviewPage } from './pages/overview-page.tsx'
import { PipelinePage } from './pages/pipeline-page.tsx'
import { PipelinesPage } from './pages/pipelines-page.tsx'
import { RolloutPage } from './pages/rollout-page.tsx'
import { RolloutsPage } from './pages/rollouts-page.tsx'
import { RunPage } from './pages/run-page.tsx'
import { RunsPage } from './pages/runs-page.tsx'
import { SchemasPage } from './pages/schemas-page.tsx'
import { type Self, signOut } from './session.ts'

/** The sections, in the order of the navigation. `one` shows a single thing of the section by its name or id. */
const SECTIONS: readonly { name: string; title: string; icon: IconName; page: () => JSX.Element; one?: (id: string) => JSX.Element }[] = [
  { name: 'overview', title: 'Overview', icon: 'grid', page: () => <OverviewPage /> },
  { name: 'models', title: 'Models', icon: 'models', page: () => <ModelsPage />, one: (id) => <ModelPage name={id} key={id} /> },
  {
    name: 'pipelines',
    title: 'Pipelines',
    icon: 'redo',
    page: () => <PipelinesPage />,
    one: (id) => <PipelinePage name={id} key={id} />,
  },
  { name: 'runs', title: 'Runs', icon: 'runs', page: () => <RunsPage />, one: (id) => <RunPage id={id} key={id} /> },
  {
    name: 'monitoring',
    title: 'Monitoring',
    icon: 'pulse',
    page: () => <MonitoringPage model={null} />,
    one: (id) => <MonitoringPage model={id} key={id} />,
  },
  { name: 'rollouts', title: 'Rollouts', icon: 'branch', page: () => <RolloutsPage />, one: (id) => <RolloutPage id={id} key={id} /> },
  { name: 'datasets', title: 'Datasets', icon: 'data', page: () => <DatasetsPage />, one: (id) => <SchemasPage dataset={id} key={id} /> },
  { name: 'alerts', title: 'Alerts', icon: 'bell', page: () => <AlertsPage /> },
  { name: 'federation', title: 'Federation', icon: 'people', page: () => <FederationPage /> },
]

/** Places that are reached from others only. */
const INNER: readonly { name: string; one: (id: string) => JSX.Element }[] = [
  { name: 'artifacts', one: (id) => <ArtifactPage id={id} key={id} /> },
  { name: 'compare', one: (id) => <ComparePage id={id} key={id} /> },
]

/** Navigation at the side (above the page on a phone), the page at the current place beside it. */
export function Frame({ self }: { self: Self }) {
  const [open, setOpen] = useState(false)
  const [name = 'overview', id] = place.value.path
  const section = SECTIONS.find((one) => one.name === name)
  const inner = INNER.find((one) => one.name === name)
  const pageOf = (): JSX.Element => {
    if (id !== undefined && inner !== undefined) return inner.one(id)
    if (section === undefined) return <NoSuchPage />
    return id !== undefined && section.one ? section.one(id) : section.page()
  }
  useEffect(watchAlerts, [])
  useEffect(() => setOpen(false), [place.value])

  return (
    <div class="frame">
      <button type="button" class="skip-link" onClick={() => document.querySelector<HTMLElement>('main h1')?.focus()}>
        Skip to content
      </button>
      <header class={open ? 'side side-open' : 'side'}>
        <div class="side-top">
          <a class="brand" href={linkTo(['overview'])} aria-label="Shoal, overview">
            <Mark size={28} />
            <span>Shoal</span>
          </a>
          <div class="side-toggle">
            <Button
              kind="quiet"
              icon={open ? 'close' : 'menu'}
              aria-label="Navigation"
              aria-expanded={open}
              aria-controls="side-body"
              onClick={() => setOpen(!open)}
            />
          </div>
        </div>
        <div id="side-body" class="side-body">
          <nav aria-label="Sections">
            <ul role="list" class="side-nav">
              {SECTIONS.map((one) => (
                <li key={one.name}>
                  <a href={linkTo([one.name])} aria-current={one.name === name ? 'page' : undefined}>
                    <Icon name={one.icon} />
                    {one.title}
                    {one.name === 'alerts' && openAlerts.value > 0 ? (
                      <span class="side-count">
                        {openAlerts.value}
                        <span class="visually-hidden"> not acknowledged</span>
                      </span>
                    ) : null}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <div class="side-foot">
            <LiveBadge />
            <div class="small">
              <div class="side-key" title={self.name}>
                {self.name}
              </div>
              <div class="muted">{self.scope}</div>
            </div>
            <div class="row">
              <ThemeToggle />
              <Button kind="quiet" icon="leave" onClick={() => signOut()}>
                Sign out
              </Button>
            </div>
          </div>
        </div>
      </header>
      <main id="main">{pageOf()}</main>
    </div>
  )
}

const LiveBadge = () => {
  const look = { connecting: ['neutral', 'Connecting'], live: ['good', 'Live'], lost: ['warn', 'Reconnecting'] } as const
  const [tone, text] = look[liveState.value]
  return (
    <div role="status">
      <Badge tone={tone} dot>
        {text}
      </Badge>
    </div>
  )
}

const NoSuchPage = () => (
  <Page title="Nothing here">
    <div class="card">
      <Empty title="There is no page at this address">
        Go back to the <a href={linkTo(['overview'])}>overview</a>.
      </Empty>
    </div>
  </Page>
)
