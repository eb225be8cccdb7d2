import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright'
import { CHROMIUM_FLAGS, ensureChromium } from '../browser.ts'
import type { LoopDevice, Seen } from './loop-device.ts'

/** A real browser with a profile of its own, on the app's own page. */
export type BrowserDevice = LoopDevice & {
  /** Cuts or restores this browser's network. */
  offline(cut: boolean): Promise<void>
  /** Loads the page again and waits until its model answers. */
  reload(): Promise<void>
  screenshot(path: string): Promise<void>
  close(): Promise<void>
}

/** What the app leaves on its window for a developer's console. */
type OnPage = { shoal: { device: import('../../client/sdk/api.ts').Shoal; model: import('../../client/sdk/api.ts').Model } }

const browserName = (number: number): string => `chromium ${number}`

export async function openBrowserDevice(url: string, number: number): Promise<BrowserDevice> {
  const profile = await mkdtemp(join(tmpdir(), `shoal-loop-${number}-`))
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: ensureChromium({ log: () => {} }),
    headless: true,
    args: [...CHROMIUM_FLAGS],
    viewport: number === 0 ? { width: 390, height: 844 } : { width: 1280, height: 800 },
  })
  const page: Page = context.pages()[0] ?? (await context.newPage())
  const refused: number[] = []
  await page.exposeFunction('shoalRefused', (version: number) => refused.push(version))

  const ready = async () => {
    await page.waitForFunction(
      () => (globalThis as unknown as Partial<OnPage>).shoal?.model.version !== null && 'shoal' in globalThis,
      undefined,
      {
        timeout: 90_000,
      },
    )
    await page.evaluate(() => {
      const on = globalThis as unknown as OnPage & { shoalRefused: (version: number) => void }
      on.shoal.model.on('refused', ({ version }) => on.shoalRefused(version))
    })
  }
  const close = async () => {
    await context.close()
    await rm(profile, { recursive: true, force: true })
  }
  try {
    await page.goto(url)
    await ready()
    await page.evaluate(() => (globalThis as unknown as OnPage).shoal.device.consent.set({ statistics: true, sharing: true }))
  } catch (thrown) {
    const shown = await page.evaluate(() => document.body.innerText).catch(() => '')
    await close()
    throw new Error(`${url} did not become ready in ${browserName(number)}, it shows: ${shown.slice(0, 400)}`, { cause: thrown })
  }

  return {
    name: browserName(number),
    refused,
    see: (images, { feedback, share }) =>
      page.evaluate(
        async ({ images, feedback, share }) => {
          const { model } = (globalThis as unknown as OnPage).shoal
          const seen: Seen[] = []
          for (const { pixels, label } of images) {
            const answer = await model.predict(Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0)))
            if (feedback) await model.feedback(answer.id, label, { share })
            seen.push({ right: answer.label === label, version: answer.version, backend: answer.backend })
          }
          return seen
        },
        { images: images.map(({ pixels, label }) => ({ pixels: Buffer.from(pixels).toString('base64'), label })), feedback, share },
      ),
    version: () => page.evaluate(() => (globalThis as unknown as OnPage).shoal.model.version),
    update: async () => {
      await page.evaluate(() => (globalThis as unknown as OnPage).shoal.model.checkForUpdate().then(() => undefined))
    },
    flush: () => page.evaluate(() => (globalThis as unknown as OnPage).shoal.device.flush()),
    offline: (cut) => context.setOffline(cut),
    reload: async () => {
      await page.reload()
      await ready()
    },
    screenshot: async (path) => void (await page.screenshot({ path })),
    close,
  }
}
