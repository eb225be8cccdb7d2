import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launchBrowser, openContext } from '../real-browser.ts'
import { type AppFixture, startAppFixture } from './app-fixture.ts'

const DIST = fileURLToPath(new URL('../../../dist/', import.meta.url))
/** The page's own script, before compression: without tfjs it is a fraction of this, with it several times as much. */
const MAX_PAGE_SCRIPT_BYTES = 400_000

let browser: Browser
let server: AppFixture

beforeAll(async () => {
  ;[browser, server] = await Promise.all([launchBrowser(), startAppFixture()])
}, 120_000)

afterAll(async () => {
  await browser.close()
  await server.close()
})

it('[APP-8] starts, answers and counts without a network after the first visit', async () => {
  const context = await openContext(browser, 'phone')
  await context.addInitScript(() => localStorage.setItem('shoal-consent-asked', 'yes'))
  const page = await context.newPage()
  await page.goto(server.url)
  await page.getByText('Ready to work offline').waitFor()
  await page.getByRole('button', { name: 'Check for update' }).waitFor()
  const worker = await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.scriptURL)
  expect(worker).toBe(`${server.url}/service-worker.js`)

  await context.setOffline(true)
  await page.reload()
  await page.getByRole('button', { name: 'Sample 9' }).click()
  await page.getByRole('status', { name: 'The answer is 9' }).waitFor()
  await page.getByRole('button', { name: 'Yes, 9' }).click()
  await page.getByText('counted as right').waitFor()
  await page.getByRole('button', { name: 'Send now' }).click()
  await page.getByText('Offline', { exact: true }).waitFor()

  // sent by itself as soon as the network is back
  await context.setOffline(false)
  await page.getByText('Nothing waits to be sent').waitFor()
  expect(server.reports.some((report) => report.outcomes !== null && report.predictions === 1)).toBe(true)
  await context.close()
}, 30_000)

it('[HTTP-18] pages and the threads of their training are isolated across origins, without a network too', async () => {
  const part = (await readdir(join(DIST, 'assets'))).find((name) => name.startsWith('training-part-'))
  const context = await openContext(browser, 'desktop')
  const page = await context.newPage()
  /** Whether the page is isolated, and what a thread says to an order that is none: a script that is not let in says nothing. */
  const found = async () => ({
    isolated: await page.evaluate(() => crossOriginIsolated),
    said: await page.evaluate(async (script) => {
      const worker = new Worker(script, { type: 'module' })
      const said = new Promise<string>((resolve) => worker.addEventListener('error', ({ message }) => resolve(message), { once: true }))
      worker.postMessage({})
      return said.finally(() => worker.terminate())
    }, `/assets/${part}`),
  })
  await page.goto(server.url)
  await page.getByText('Ready to work offline').waitFor()
  const online = await found()
  expect(online).toEqual({ isolated: true, said: expect.stringContaining('TypeError') })
  // from the second visit on the service worker answers
  await page.reload()
  await page.getByRole('button', { name: 'Check for update' }).waitFor()
  await context.setOffline(true)
  await page.reload()
  await page.getByRole('button', { name: 'Sample 9' }).waitFor()
  expect(await found()).toEqual(online)
  await context.close()
}, 30_000)

it('[CMP-90] runtimes that only some models need are not kept before one is used, and answer offline from then on', async () => {
  const onDemand = (await readdir(join(DIST, 'assets'))).filter((name) => /^(ort[.-]|onnx-runtime-|graph-runtime-)/.test(name))
  expect(onDemand.length).toBeGreaterThanOrEqual(6)
  const context = await openContext(browser, 'desktop')
  const page = await context.newPage()
  await page.goto(server.url)
  await page.getByText('Ready to work offline').waitFor()
  // from the second visit on the service worker answers
  await page.reload()
  await page.getByRole('button', { name: 'Check for update' }).waitFor()
  const kept = () =>
    page.evaluate(async () => {
      const names = await caches.keys()
      const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))
      return requests.flat().map(({ url }) => new URL(url).pathname.replace('/assets/', ''))
    })
  expect((await kept()).filter((name) => onDemand.includes(name))).toEqual([])
  const [used] = onDemand.filter((name) => name.startsWith('ort.wasm'))
  const size = () => page.evaluate(async (name) => (await (await fetch(`/assets/${name}`)).arrayBuffer()).byteLength, used)
  const online = await size()
  expect((await kept()).filter((name) => onDemand.includes(name))).toEqual([used])
  await context.setOffline(true)
  expect(await size()).toBe(online)
  await context.close()
}, 60_000)

it('[APP-14] the service worker keeps the app’s own files only: no API answer, no model, not the console', async () => {
  const context = await openContext(browser, 'desktop')
  const page = await context.newPage()
  await page.goto(server.url)
  await page.getByText('Ready to work offline').waitFor()
  await page.getByRole('button', { name: 'Check for update' }).waitFor()
  const kept = await page.evaluate(async () => {
    const names = await caches.keys()
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))
    return requests.flat().map(({ url }) => new URL(url).pathname)
  })
  expect(kept).toContain('/')
  expect(kept.some((path) => path.endsWith('.wasm'))).toBe(true)
  expect(kept.filter((path) => path.startsWith('/v1') || path.includes('console'))).toEqual([])
  await page.reload()
  await context.setOffline(true)
  await expect(page.goto(`${server.url}/console/`)).rejects.toThrow(/ERR_INTERNET_DISCONNECTED/)
  await context.close()
}, 30_000)

it('[APP-15] a new version of the page waits until the person agrees', async () => {
  const context = await openContext(browser, 'phone')
  const page = await context.newPage()
  await page.goto(server.url)
  await page.getByText('Ready to work offline').waitFor()
  server.deployShell()
  await page.reload()
  const offer = page.getByText('A new version of this app is ready.')
  await offer.waitFor()
  expect(await page.evaluate(async () => (await navigator.serviceWorker.ready).waiting?.state)).toBe('installed')
  const reloaded = page.waitForEvent('load')
  await page.getByRole('button', { name: 'Reload' }).click()
  await reloaded
  await page.getByRole('button', { name: 'Sample 0' }).waitFor()
  expect(await offer.count()).toBe(0)
  expect(await page.evaluate(async () => (await navigator.serviceWorker.ready).waiting)).toBeNull()
  await context.close()
}, 30_000)

it('[APP-16] offers to install where the browser can, and asks it to on request', async () => {
  const context = await openContext(browser, 'desktop')
  const page = await context.newPage()
  await page.goto(server.url)
  await page.getByRole('button', { name: 'Sample 0' }).waitFor()
  expect(await page.getByRole('button', { name: 'Install' }).count()).toBe(0)
  await page.evaluate(() => {
    const event = Object.assign(new Event('beforeinstallprompt', { cancelable: true }), {
      prompt: async () => {
        document.title = 'asked'
        return { outcome: 'accepted' }
      },
    })
    dispatchEvent(event)
  })
  await page.getByRole('button', { name: 'Install' }).click()
  await page.waitForFunction(() => document.title === 'asked')
  await context.close()
})

it('[APP-11] the page’s own script holds no compute runtime', async () => {
  const html = await readFile(join(DIST, 'index.html'), 'utf8')
  const scripts = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map((match) => match[1] ?? '')
  expect(scripts.length).toBeGreaterThan(0)
  const texts = await Promise.all(scripts.map((name) => readFile(join(DIST, name), 'utf8')))
  expect(texts.filter((text) => text.includes('Conv2DBackpropFilter')).length).toBe(0)
  expect(texts.reduce((sum, text) => sum + text.length, 0)).toBeLessThan(MAX_PAGE_SCRIPT_BYTES)
  const workers = (await readdir(join(DIST, 'assets'))).filter((name) => name.endsWith('.js'))
  const all = await Promise.all(workers.map((name) => readFile(join(DIST, 'assets', name), 'utf8')))
  expect(all.some((text) => text.includes('Conv2DBackpropFilter'))).toBe(true)
})

it('[APP-8] the web app manifest names icons that are there, at the sizes they say', async () => {
  const manifest = JSON.parse(await readFile(join(DIST, 'manifest.webmanifest'), 'utf8')) as {
    icons: { src: string; sizes: string; type: string; purpose?: string }[]
    start_url: string
    display: string
  }
  expect(manifest.display).toBe('standalone')
  const png = manifest.icons.filter(({ type }) => type === 'image/png')
  expect(png.map(({ sizes, purpose }) => `${sizes} ${purpose ?? 'any'}`).sort()).toEqual([
    '192x192 any',
    '192x192 maskable',
    '512x512 any',
    '512x512 maskable',
  ])
  for (const { src, sizes } of png) {
    const bytes = await readFile(join(DIST, src))
    // IHDR: width and height as 32-bit integers at 16 and 20 (PNG specification, 11.2.1)
    expect(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`).toBe(sizes)
  }
})
