import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { type FixtureServer, startFixtureServer } from '../fixture-server.ts'
import { accessibilityViolations, launchBrowser, openContext, overflow, pageErrors, type Size } from '../real-browser.ts'
import { consoleFixture } from './console-fixture.ts'

const RUN = 'run_00000000000000000004'
const VERSION = 'art_00000000000000000008'
const PLACES = [
  '',
  'models',
  'models/digits',
  'runs',
  `runs/${RUN}`,
  'pipelines',
  'pipelines/digits',
  `compare/${RUN}`,
  `artifacts/${VERSION}`,
  'models/digits?lineage=4',
  'monitoring/digits',
  'rollouts',
  'datasets',
  'datasets/digits',
  'alerts',
  'federation',
  'no-such-page',
]

let browser: Browser
let full: FixtureServer
let empty: FixtureServer
const contexts: BrowserContext[] = []

beforeAll(async () => {
  ;[browser, full, empty] = await Promise.all([
    launchBrowser(),
    startFixtureServer(consoleFixture()),
    startFixtureServer(consoleFixture({ empty: true })),
  ])
}, 120_000)

afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()))
})

afterAll(async () => {
  await browser.close()
  await Promise.all([full.close(), empty.close()])
})

type Options = { size?: Size; scheme?: 'light' | 'dark'; key?: string | null; server?: FixtureServer }

/** A page at a place of the console, signed in as an administrator unless told otherwise. */
async function visit(
  place: string,
  { size = 'desktop', scheme = 'light', server = full, key = server.keys.admin }: Options = {},
): Promise<Page> {
  const context = await openContext(browser, size, scheme)
  contexts.push(context)
  if (key !== null)
    await context.addInitScript(
      (secret) => sessionStorage.getItem('shoal-console-key') ?? sessionStorage.setItem('shoal-console-key', secret),
      key,
    )
  const page = await context.newPage()
  await page.goto(`${server.url}/console/#/${place}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  return page
}

/** Nothing on the page is still loading. */
const settled = async (page: Page): Promise<void> => {
  await page.waitForFunction(() => document.querySelectorAll('.skeleton').length === 0)
}

/** Titles of cells that stand beside their values, as on a phone, and would not break into lines. */
const unbrokenTitles = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    Array.from(document.querySelectorAll<HTMLElement>('.table-rows td'))
      .filter((cell) => getComputedStyle(cell, '::before').whiteSpace !== 'normal')
      .map((cell) => cell.dataset['title'] ?? ''),
  )

async function look(server: FixtureServer, size: Size, scheme: 'light' | 'dark'): Promise<string[]> {
  const page = await visit('', { server, size, scheme })
  const errors = pageErrors(page)
  const found: string[] = []
  for (const place of PLACES) {
    await page.evaluate((hash) => location.assign(hash), `#/${place}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await settled(page)
    if (size === 'phone')
      found.push(...(await unbrokenTitles(page)).map((title) => `/${place}: the title ${title} may lie across its value`))
    const wider = await overflow(page)
    if (wider > 0) found.push(`/${place} is ${wider} pixels too wide`)
    found.push(...(await accessibilityViolations(page)).map((violation) => `/${place}: ${violation}`))
  }
  return [...found, ...errors]
}

describe('the console', () => {
  it.each([
    ['phone', 'light'],
    ['desktop', 'dark'],
  ] as const)(
    '[CNS-3] every page is accessible and fits a %s, in %s colours',
    async (size, scheme) => {
      expect(await look(full, size, scheme)).toEqual([])
    },
    60_000,
  )

  it('[CNS-3] every page is accessible and fits when there is nothing yet', async () => {
    expect(await look(empty, 'phone', 'dark')).toEqual([])
  }, 60_000)

  it('[CNS-1] takes a good key for this tab, and says why it does not take a wrong one', async () => {
    const page = await visit('models', { key: null })
    const field = page.getByLabel('API key')
    expect(await accessibilityViolations(page)).toEqual([])
    await field.fill('shoal_nonsense')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('The server does not know this key').waitFor()
    await field.fill(full.keys.viewer)
    await field.press('Enter')
    await page.getByRole('heading', { name: 'Models', level: 1 }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Models', level: 1 }).waitFor()
    expect(await page.evaluate(() => localStorage.length)).toBe(0)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await field.waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
  })

  it('[CNS-1] a key revoked in mid-session ends it with the reason', async () => {
    const { key, secret } = await full.admin('keys.create', { body: { name: 'soon gone', scope: 'viewer' } })
    const page = await visit('models', { key: secret })
    await page.getByRole('link', { name: 'digits' }).waitFor()
    await full.admin('keys.revoke', { params: { key: key.id } })
    await page.getByRole('link', { name: 'Runs' }).click()
    await page.getByText('This key was revoked').waitFor()
  })

  it('[CNS-2] a deep link opens its page, survives a reload, and an unknown run or page says so', async () => {
    const page = await visit(`runs/${RUN}?step=evaluate`)
    const card = page.getByRole('region', { name: 'evaluate' })
    await card.waitFor()
    await page.reload()
    await card.waitFor()
    await page.getByRole('button', { name: /^prepare cached/ }).click()
    await page.getByText('the same component, inputs and parameters').waitFor()
    expect(page.url()).toContain('step=prepare')
    await page.evaluate(() => location.assign('#/runs/run_0000000000000000000z'))
    await page.getByText('unknown_run').waitFor()
    await page.evaluate(() => location.assign('#/nowhere'))
    await page.getByText('There is no page at this address').waitFor()
  })

  it('[CNS-4] moves an alias with a reason that then stands in the history, and shows why a rollback failed', async () => {
    const page = await visit('models/digits')
    await page.getByRole('button', { name: 'Set alias to version 4' }).click()
    const dialog = page.getByRole('dialog')
    expect(await accessibilityViolations(page)).toEqual([])
    const confirm = dialog.getByRole('button', { name: 'Set alias' })
    expect(await confirm.isDisabled()).toBe(true)
    await dialog.getByLabel('Reason').fill('better on sevens')
    await confirm.click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('cell', { name: 'better on sevens' }).waitFor()
    await page.getByRole('cell', { name: 'test admin' }).waitFor()

    await page.getByRole('region', { name: 'Alias stable' }).getByRole('button', { name: 'Roll back' }).click()
    await dialog.getByLabel('Reason').fill('try')
    await dialog.getByRole('button', { name: 'Roll back' }).click()
    await dialog.getByText('there is no version before this one').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  it('[CNS-4] promotes a rollout by keyboard alone, after a reason', async () => {
    const page = await visit('rollouts')
    await page.getByText('Not enough devices for the next stage: need 4 more').waitFor()
    const promote = page.getByRole('button', { name: 'Promote' })
    await promote.focus()
    await page.keyboard.press('Enter')
    const reason = page.getByRole('dialog').getByLabel('Reason')
    await reason.waitFor()
    expect(await page.evaluate(() => document.activeElement?.closest('dialog') !== null)).toBe(true)
    await reason.focus()
    await page.keyboard.type('seen enough')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('No rollout is running').or(page.getByText('Decided by test admin')).first().waitFor()
  })

  it('[CNS-5] follows events as they happen: new alerts are counted and told', async () => {
    const page = await visit('alerts')
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByText('Drift in ink, tilt').waitFor()
    const asked = page.waitForRequest((request) => request.url().includes('/v1/alerts'))
    full.publish({ type: 'alert.raised', subject: 'digits', data: { alert: 'alt_00000000000000000009', model: 'digits' } })
    await asked
    await page.getByText('Alert: digits').waitFor()
    const open = Number((await page.getByRole('link', { name: 'Alerts' }).innerText()).replace(/\D/g, ''))
    await page
      .getByRole('button', { name: /^Acknowledge/ })
      .first()
      .click()
    await page.waitForFunction(
      (before) => Number(document.querySelector('.side-count')?.firstChild?.textContent ?? '0') === before - 1,
      open,
    )
  })

  it('[CNS-6] shows a viewer what only others may do, disabled', async () => {
    const page = await visit('models/digits', { key: full.keys.viewer })
    const set = page.getByRole('button', { name: 'Set alias to version 4' })
    await set.waitFor()
    expect(await set.isDisabled()).toBe(true)
    await page.getByText('needs a key with the releaser scope').waitFor()
    await page.evaluate(() => location.assign('#/runs'))
    const start = page.getByRole('button', { name: 'Start digits' })
    await start.waitFor()
    expect(await start.isDisabled()).toBe(true)
  })

  it('[DAT-30] reviews a proposed schema: what it changes, and a decision with a reason', async () => {
    const page = await visit('datasets/digits')
    await page.getByText('label, type: "string" becomes "int"').waitFor()
    await page.getByRole('button', { name: 'Accept version 2' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('label, type').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await dialog.getByLabel('Reason').fill('digits are numbers')
    await dialog.getByRole('button', { name: 'Accept' }).click()
    await page.getByText('digits are numbers').waitFor()
    expect(await page.getByRole('button', { name: 'Accept version 2' }).count()).toBe(0)
    const viewer = await visit('datasets/digits', { key: full.keys.viewer })
    expect(await viewer.getByRole('button', { name: 'Propose from newest rows' }).isDisabled()).toBe(true)
  })

  it('[CNS-9] draws the confusion matrix and the training history of a run', async () => {
    const page = await visit(`runs/${RUN}?step=evaluate`)
    await page.getByRole('button', { name: 'Show metrics' }).click()
    const matrix = page.getByRole('region', { name: 'Confusion matrix' })
    await matrix.waitFor()
    expect(await matrix.getByRole('cell').count()).toBe(100)
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('button', { name: /^train running/ }).click()
    await page.getByRole('button', { name: 'Show history' }).click()
    await page.getByRole('img', { name: /^loss by epoch: this training 0.42, 0.21/ }).waitFor()
    await page.getByText('epoch 3 batch 2048').waitFor()
    await page.getByLabel('Step whose lines are shown').selectOption('extract')
    await page.getByText('epoch 3 batch 2048').waitFor({ state: 'detached' })
    await page.getByText('read 35000 rows').waitFor()
  })

  it('[CNS-30] draws what a version was made from, and leads from artifact to artifact', async () => {
    const page = await visit('models/digits')
    await page.getByRole('link', { name: 'Details of version 4' }).click()
    const picture = page.getByRole('region', { name: 'Lineage of version 4' })
    await picture.getByRole('button', { name: /^digits data · extract/ }).waitFor()
    expect(await picture.getByRole('button').count()).toBe(5)
    await picture.getByRole('button', { name: /^model model · train/ }).click()
    await page.getByRole('heading', { name: 'model', level: 1 }).waitFor()
    expect(page.url()).toContain('#/artifacts/art_00000000000000000005')
    await page.reload()
    await page
      .getByRole('region', { name: 'Lineage' })
      .getByRole('button', { name: /^model model/ })
      .waitFor()
  })

  it('[CNS-31] sets runs beside each other: where they part, figures, curves', async () => {
    const page = await visit('runs/run_00000000000000000003')
    await page.getByRole('link', { name: 'Compare' }).click()
    await page.getByText('They part at step train (model)').waitFor()
    await page
      .getByRole('region', { name: 'Table: Metrics' })
      .getByRole('row', { name: /accuracy.*0\.9872.*0\.9887.*differs/ })
      .waitFor()
    // both in one plot
    await page.getByRole('img', { name: /^loss by step: .*0\.4, 0\.2, 0\.1; .*0\.4, 0\.2, 0\.1$/ }).waitFor()
    await page.getByLabel('Run to compare with').selectOption('run_00000000000000000001')
    expect(page.url()).toContain('with=run_00000000000000000001')
  })

  it('[CNS-33] draws what a run told over steps', async () => {
    const page = await visit(`runs/${RUN}`)
    await page.getByRole('img', { name: 'loss by step: this run 0.4, 0.2, 0.1' }).waitFor()
    // a metric with one value is no curve
    expect(await page.getByRole('img', { name: /^accuracy by step/ }).count()).toBe(0)
  })

  it('[CNS-34] searches runs by a filter that the address keeps, and says at the field what is wrong with it', async () => {
    const page = await visit('runs')
    const field = page.getByLabel('Search', { exact: true })
    await field.fill("metrics.accuracy > 0.9 and attributes.state = 'failed'")
    await field.press('Enter')
    const table = page.getByRole('region', { name: 'Table: Runs found' })
    await table.getByRole('row', { name: /0\.9887/ }).waitFor()
    expect(await table.getByRole('row').count()).toBe(2)
    expect(await accessibilityViolations(page)).toEqual([])
    await page.reload()
    await table.waitFor()
    await field.fill('metrics.accuracy >> 0.9')
    await page.getByRole('button', { name: 'Search', exact: true }).click()
    const wrong = page.getByRole('alert')
    await wrong.waitFor()
    expect(await wrong.innerText()).toMatch(/character \d+/)
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    expect(await field.getAttribute('aria-describedby')).toContain(must(await wrong.getAttribute('id'), 'the id of the error'))
    expect(await field.inputValue()).toBe('metrics.accuracy >> 0.9')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByRole('region', { name: 'Table: Runs', exact: true }).waitFor()
    expect(page.url()).not.toContain('filter')
  })

  it('[CNS-35] shows whether a version was blessed and why, and its slices with intervals', async () => {
    const page = await visit('models/digits?lineage=4')
    const blessing = page.getByRole('region', { name: 'Blessing of version 4' })
    await blessing.getByText('Not blessed').waitFor()
    // what failed comes first
    await blessing.getByRole('row').nth(1).getByText('accuracy of source=tablet').waitFor()
    const slices = page.getByRole('region', { name: 'Table: Slices, by source' })
    await slices.getByRole('row', { name: /source=tablet.*310.*0\.931.*0\.9 to 0\.958/ }).waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
  })

  it('[CNS-36] resumes from the schema page what stopped there', async () => {
    const page = await visit('datasets/digits')
    const stopped = page.getByRole('region', { name: 'Table: Runs that stopped at the schema' })
    await stopped.getByText('label: expected text, 31 rows hold numbers').waitFor()
    // the one that was not blessed has nothing to do with the schema
    expect(await stopped.getByRole('row').count()).toBe(2)
    expect(await accessibilityViolations(page)).toEqual([])
    await stopped.getByRole('button', { name: /^Resume/ }).click()
    await page.getByText('goes on from validate-data').waitFor()
    await stopped.waitFor({ state: 'detached' })
  })

  it('[CNS-32] tests and changes a trigger, and shows why the others fired or not', async () => {
    const page = await visit('pipelines/digits')
    await page.getByText('drift of digits version 3 in ink, tilt').waitFor()
    await page.getByText('no run names the commit of an unchanged checkout').waitFor()
    await page.getByRole('button', { name: 'Test or change schedule' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Test' }).click()
    await dialog.getByText('It would not fire now (not-due)').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await dialog.getByLabel('Settings').fill('{"cron": "often"}')
    await dialog.getByRole('button', { name: 'Test' }).click()
    await dialog.getByText('cannot be read').waitFor()
    await dialog.getByLabel('Settings').fill('{"cron": "0 4 * * *"}')
    await dialog.getByRole('checkbox', { name: 'On' }).check()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('row', { name: /^schedule.*on.*cron=0 4/ }).waitFor()
  })

  it('[CNS-10] plots windows with their numbers, and judges each feature in a sentence', async () => {
    const page = await visit('monitoring/digits')
    const accuracy = page.getByRole('region', { name: 'Accuracy', exact: true })
    await accuracy.locator('canvas').waitFor()
    await accuracy.getByText('Numbers').click()
    expect(await accuracy.getByRole('row').count()).toBe(27)
    const row = page.getByRole('region', { name: 'Table: Drift by feature' }).getByRole('row').nth(1)
    expect(must(await row.textContent(), 'text')).toMatch(/drift.*higher than in training/)
  })
})
