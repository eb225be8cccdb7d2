import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, launchBrowser, openContext, overflow, pageErrors, type Size } from '../real-browser.ts'
import { type AppFixture, startAppFixture } from './app-fixture.ts'

let browser: Browser
let server: AppFixture
const contexts: BrowserContext[] = []

beforeAll(async () => {
  ;[browser, server] = await Promise.all([launchBrowser(), startAppFixture()])
}, 120_000)

afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()))
})

afterAll(async () => {
  await browser.close()
  await server.close()
})

async function openPage({
  size = 'desktop',
  scheme = 'light',
  consent = true,
}: {
  size?: Size
  scheme?: 'light' | 'dark'
  consent?: boolean
} = {}): Promise<Page> {
  const context = await openContext(browser, size, scheme)
  contexts.push(context)
  if (consent) await context.addInitScript(() => localStorage.setItem('shoal-consent-asked', 'yes'))
  return context.newPage()
}

async function visit(options: Parameters<typeof openPage>[0] = {}): Promise<Page> {
  const page = await openPage(options)
  await page.goto(server.url)
  await ready(page)
  return page
}

const ready = (page: Page) => page.getByRole('button', { name: 'Check for update' }).waitFor()
const answered = (page: Page, label: string | RegExp) =>
  page.getByRole('status', { name: typeof label === 'string' ? `The answer is ${label}` : label }).waitFor()

async function check(page: Page): Promise<string[]> {
  const wider = await overflow(page)
  return [...(await accessibilityViolations(page)), ...(wider > 0 ? [`${wider} pixels too wide`] : [])]
}

describe('the app', () => {
  it.each([
    ['phone', 'light'],
    ['desktop', 'dark'],
  ] as const)(
    '[APP-10] is accessible and fits a %s in each state, in %s colours',
    async (size, scheme) => {
      const page = await visit({ size, scheme, consent: false })
      const errors = pageErrors(page)
      await page.getByRole('button', { name: 'Save my choice' }).waitFor()
      expect(await check(page)).toEqual([])
      await page.getByRole('button', { name: 'Save my choice' }).click()
      await page.getByRole('button', { name: 'Sample 7' }).click()
      await answered(page, '7')
      await page.getByText(/^Why /).click()
      await page.getByText('Diagnostics').click()
      await page.getByText(/wait to be sent/).click()
      expect(await check(page)).toEqual([])
      await page.getByRole('button', { name: 'Yes, 7' }).click()
      await page.getByText('counted as right').waitFor()
      expect(await check(page)).toEqual([])
      await page.getByRole('button', { name: 'Forget everything' }).click()
      await page.getByRole('dialog').waitFor()
      expect(await check(page)).toEqual([])
      expect(errors).toEqual([])
    },
    30_000,
  )

  it('[APP-4] a digit drawn with the pointer is answered by a version, on a backend, in a time', async () => {
    const page = await visit()
    const box = await page.getByRole('application').boundingBox()
    if (box === null) throw new Error('the pad is not on the page')
    const move = (x: number, y: number) => page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 8 })
    await move(0.3, 0.2)
    await page.mouse.down()
    for (const [x, y] of [
      [0.7, 0.2],
      [0.5, 0.55],
      [0.45, 0.85],
    ] as const)
      await move(x, y)
    await page.mouse.up()
    await answered(page, '7')
    await page.getByText(/Version 1 on (WebAssembly|plain JavaScript), [\d.]+ ms/).waitFor()
    const shares = await page.getByRole('list', { name: 'Probability of each digit' }).getByRole('listitem').allInnerTexts()
    expect(shares).toHaveLength(10)
    const sum = shares.reduce((total, text) => total + Number(/([\d.]+) %/.exec(text)?.[1]), 0)
    expect(Math.abs(sum - 100)).toBeLessThan(1)
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByText('Nothing drawn yet').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await answered(page, '7')
  })

  it('[APP-7] goes from the first stroke to the correction by keyboard alone', async () => {
    const page = await visit()
    await page.keyboard.press('Tab')
    while (!(await page.evaluate(() => document.activeElement?.classList.contains('pad')))) await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Space')
    for (let step = 0; step < 9; step++) await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Space')
    await page.keyboard.press('Enter')
    await answered(page, '1')
    await page.keyboard.press('4')
    await page.getByText('it was a 4').waitFor()
    await page.getByRole('application').focus()
    await page.keyboard.press('Delete')
    await page.getByText('Nothing drawn yet').waitFor()
  })

  it('[APP-17] keeps drawings to learn from only after a yes, and takes part in a round when asked to', async () => {
    const page = await visit()
    const correct = async (sample: string) => {
      await page.getByRole('button', { name: `Sample ${sample}` }).click()
      await answered(page, sample)
      await page.getByRole('button', { name: `Yes, ${sample}` }).click()
    }
    await correct('7')
    expect(await page.getByText(/kept here to learn from/).count()).toBe(0)
    await page.getByLabel(/Learning on this device/).check()
    await page.getByText('0 drawings kept on this device').waitFor()
    await correct('1')
    await page.getByText(/It is kept here to learn from/).waitFor()
    await page.getByText('1 drawing kept on this device').waitFor()
    expect(await check(page)).toEqual([])
    await page.getByRole('button', { name: 'Take part in a round' }).click()
    await page.getByText(/no round/i).waitFor()
    await page.getByLabel(/Learning on this device/).uncheck()
    await page.getByRole('button', { name: 'Take part in a round' }).waitFor({ state: 'detached' })
  })

  it('[APP-5] asks once what may leave the device, and shares drawings only after a yes', async () => {
    const page = await visit({ consent: false })
    const asked = page.getByRole('region', { name: /what may leave this device/ })
    await asked.waitFor()
    const correct = async (sample: string, as: string) => {
      await page.getByRole('button', { name: `Sample ${sample}` }).click()
      await answered(page, sample)
      await page.keyboard.press(as)
    }
    const before = server.examples.length
    await correct('0', '0')
    await page.getByText('the drawing stays on this device').waitFor()
    await asked.getByLabel(/Drawings you correct/).check()
    await asked.getByRole('button', { name: 'Save my choice' }).click()
    await asked.waitFor({ state: 'detached' })
    await correct('3', '3')
    await page.getByText('waits to be shared').waitFor()
    await page.getByRole('button', { name: 'Send now' }).click()
    await page.getByText('Nothing waits to be sent').waitFor()
    expect(server.examples.slice(before).map(({ label, shape }) => [label, shape])).toEqual([['3', [28, 28, 1]]])
    await page.reload()
    await ready(page)
    expect(await asked.count()).toBe(0)
  })

  it('[APP-6] shows what is then sent', async () => {
    const page = await visit()
    for (const sample of ['1', '2']) {
      await page.getByRole('button', { name: `Sample ${sample}` }).click()
      await answered(page, sample)
    }
    const shownBox = page.getByRole('region', { name: 'The JSON that waits to be sent' })
    await page.getByText(/wait to be sent/).click()
    await page.waitForFunction(() =>
      document.querySelector('[aria-label="The JSON that waits to be sent"]')?.textContent?.includes('"predictions": 2'),
    )
    const shown = JSON.parse((await shownBox.textContent()) ?? '') as { reports: Record<string, unknown>[]; examples: unknown[] }
    const before = server.reports.length
    await page.getByRole('button', { name: 'Send now' }).click()
    await page.getByText('Nothing waits to be sent').waitFor()
    // the report gets its random name when it is closed
    const unnamed = (report: Record<string, unknown>) => ({ ...report, epoch: null, sequence: null })
    expect(server.reports.slice(before).map(unnamed)).toEqual(shown.reports.map(unnamed))
    expect(shown.examples).toEqual([])
  })

  it('[APP-9] tells of a model update, and goes back on request', async () => {
    const page = await visit()
    const next = await server.publishDigits({ errorRate: 0.19 })
    await page
      .getByText(`Model updated: version ${next} answers now.`)
      .or(page.getByRole('button', { name: 'Check for update' }))
      .first()
      .waitFor()
    if ((await page.getByText('Model updated').count()) === 0) await page.getByRole('button', { name: 'Check for update' }).click()
    await page.getByText(`Model updated: version ${next} answers now.`).waitFor()
    await page.getByText(`digits v${next}`).waitFor()
    await page.getByRole('button', { name: 'Go back' }).click()
    await page.getByText(`digits v${next - 1}`).waitFor()
  })

  it('[APP-12] says why the model cannot be had, lets one draw meanwhile, and tries again', async () => {
    const page = await openPage()
    await page.route('**/v1/**', (route) => route.abort())
    await page.goto(server.url)
    await page
      .getByText(/offline_no_model|network/)
      .first()
      .waitFor()
    expect(await check(page)).toEqual([])
    await page.getByRole('button', { name: 'Sample 1' }).click()
    await page.unroute('**/v1/**')
    await page.getByRole('button', { name: 'Try again' }).click()
    await answered(page, '1')
  })
})
