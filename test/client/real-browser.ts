import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { must } from '../../shared/core/assert.ts'
import { CHROMIUM_FLAGS, findChromium } from '../browser.ts'

/** The sizes that every page must fit. */
export const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } } as const
export type Size = keyof typeof SIZES

/** Without a GPU, as none computes here, and drawing on its software adapter would cost more than drawing without. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: must(findChromium(), 'a Chromium'), args: [...CHROMIUM_FLAGS, '--disable-gpu'] })

/** Shorter than a test's own limit, so that a failure names what was waited for. */
const WAIT_MS = 15_000

/** A fresh profile of the given size. Motion is reduced, so that what is looked at stands still. */
export async function openContext(browser: Browser, size: Size, colorScheme: 'light' | 'dark' = 'light'): Promise<BrowserContext> {
  const device = size === 'phone' ? { isMobile: true, hasTouch: true } : {}
  const context = await browser.newContext({ viewport: SIZES[size], colorScheme, reducedMotion: 'reduce', ...device })
  context.setDefaultTimeout(WAIT_MS)
  return context
}

/** Collects what the page throws or logs as an error: a page is well only when this stays empty. */
export function pageErrors(page: Page): string[] {
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  return errors
}

const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
type Axe = { axe: { run(options: { resultTypes: string[] }): Promise<{ violations: Violation[] }> } }
type Violation = { readonly id: string; readonly nodes: readonly { readonly target: unknown; readonly failureSummary?: string }[] }

/** What axe-core finds wrong, one line for each place; empty when the page is accessible as far as a machine can tell. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(await axeSource)
  // what passes is not listed place by place: only what does not is asked for
  const violations = await page.evaluate(() =>
    (globalThis as unknown as Axe).axe.run({ resultTypes: ['violations'] }).then((result) => result.violations),
  )
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id} at ${JSON.stringify(node.target)}: ${node.failureSummary ?? ''}`))
}

/** By how many pixels the page is wider than the screen. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth))
