import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { cnn } from '../../../shared/compute/architectures.ts'
import { getWeights } from '../../../shared/compute/model.ts'
import { buildSeededModel } from '../../../shared/compute/seeded-model.ts'
import { slug } from '../../../shared/core/fields.ts'
import { accessibilityViolations, launchBrowser, openContext, overflow, pageErrors } from '../real-browser.ts'
import { start } from '../../shared/compute/node-backend.ts'
import { digitModel } from '../../simulator/digit-model.ts'
import { registerVersion } from '../../simulator/publish.ts'
import { type AppFixture, startAppFixture } from './app-fixture.ts'

const EPOCHS = 100
const DRAWINGS = 8
const STEPS = EPOCHS * DRAWINGS
const MODEL = slug.parse('digits')
let browser: Browser
let server: AppFixture
let base: number
const contexts: BrowserContext[] = []

/** A network that takes a device some seconds to learn with. */
async function slowVersion(): Promise<number> {
  await start('cpu')
  const topology = cnn({
    inputShape: [28, 28, 1],
    classes: 10,
    blocks: [
      { filters: 32, kernel: 5, pool: 2 },
      { filters: 64, kernel: 5, pool: 2 },
    ],
    hidden: [64],
  })
  const model = await buildSeededModel(topology, 1)
  const weights = await getWeights(model)
  model.dispose()
  return (await registerVersion(server.admin, MODEL, await digitModel({ topology, weights }))).version
}

beforeAll(async () => {
  ;[browser, server] = await Promise.all([launchBrowser(), startAppFixture()])
  base = await slowVersion()
}, 120_000)

afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()))
})

afterAll(async () => {
  await browser.close()
  await server.close()
})

const openRound = () =>
  server.admin('rounds.open', {
    params: { model: MODEL },
    body: {
      plan: { base, epochs: EPOCHS, batchSize: 1, learningRate: 0.001, seed: 1, clipNorm: 1, maxExamples: 100 },
      wanted: 1,
      minimum: 1,
      durationMs: 3_600_000,
    },
  })

/** A page whose person has agreed to learning and labelled some drawings. */
async function learnerPage(size: 'phone' | 'desktop', scheme: 'light' | 'dark'): Promise<Page> {
  const context = await openContext(browser, size, scheme)
  contexts.push(context)
  await context.addInitScript(() => localStorage.setItem('shoal-consent-asked', 'yes'))
  const page = await context.newPage()
  await page.goto(server.url)
  await page.getByRole('button', { name: 'Check for update' }).waitFor()
  await page.getByLabel(/Learning on this device/).check()
  for (let i = 0; i < DRAWINGS; i++) {
    await page.getByRole('button', { name: `Sample ${i}` }).click()
    await page.getByRole('status', { name: `The answer is ${i}` }).waitFor()
    await page.getByRole('button', { name: `Yes, ${i}` }).click()
    await page.getByText(`${i + 1} drawing${i === 0 ? '' : 's'} kept on this device`).waitFor()
  }
  return page
}

const tabTo = async (page: Page, name: string): Promise<void> => {
  while ((await page.evaluate(() => document.activeElement?.textContent)) !== name) await page.keyboard.press('Tab')
}
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent)

it.each([
  ['phone', 'dark'],
  ['desktop', 'light'],
] as const)(
  '[APP-18] learning is paused and resumed by keyboard, on a %s in %s colours',
  async (size, scheme) => {
    const round = await openRound()
    const page = await learnerPage(size, scheme)
    const errors = pageErrors(page)
    await tabTo(page, 'Take part in a round')
    await page.keyboard.press('Enter')
    await tabTo(page, 'Pause')
    await page.getByText(/^Learning: [1-9]/).waitFor()
    await page.keyboard.press('Space')
    await page.getByText(/^Paused after \d+ of 800 steps/).waitFor()
    expect(await focused(page)).toBe('Resume')
    expect([...(await accessibilityViolations(page)), await overflow(page)]).toEqual([0])
    const steps = page.getByText(/^Learning: /)
    const rests = await steps.textContent()
    expect(rests).not.toBe(`Learning: ${STEPS} of 800 steps`)

    // the answers go on
    await page.getByRole('button', { name: 'Sample 3' }).click()
    await page.getByRole('status', { name: 'The answer is 3' }).waitFor()
    expect(await steps.textContent()).toBe(rests)
    expect((await server.admin('rounds.get', { params: { round: round.id } })).accepted).toBe(0)

    await tabTo(page, 'Resume')
    await page.keyboard.press('Enter')
    await page.getByText(/^Thank you: this device learned from 8 drawings/).waitFor()
    expect(await page.getByText(/^Paused/).count()).toBe(0)
    const seen = () => server.admin('rounds.get', { params: { round: round.id } })
    await expect.poll(async () => (await seen()).state).toBe('done')
    expect(await seen()).toMatchObject({ accepted: 1, refused: {} })
    expect(errors).toEqual([])
  },
  60_000,
)
