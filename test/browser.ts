import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { findChromium as findInstalled, ADDRESS_BAR_FEATURES } from '../server/pipeline/runtime-check/chromium.ts'
import { AppError } from '../shared/core/errors.ts'

/** What Playwright switches off in the same flag, of which only the last counts, as far as it matters to a page of this machine. */
const PLAYWRIGHT_OFF = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'MediaRouter',
  'OptimizationHints',
  'PaintHolding',
]

/** WebGPU on its software adapter, no sandbox (root in containers), and nothing that talks to the network on its own. */
export const CHROMIUM_FLAGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-unsafe-swiftshader',
  '--no-sandbox',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--metrics-recording-only',
  `--disable-features=${[...PLAYWRIGHT_OFF, ...ADDRESS_BAR_FEATURES].join(',')}`,
] as const

/** A Chromium to test with: SHOAL_CHROMIUM, a system one, or Playwright's own download; undefined where there is none. */
export const findChromium = (): string | undefined => findInstalled(null, process.env) ?? playwrightPaths().find((path) => existsSync(path))

type Installer = { readonly name: string; install(): void }
type Ensure = { readonly log: (line: string) => void; readonly find?: () => string | undefined; readonly installers?: readonly Installer[] }

/** The browser that is there, else one that is installed now: Debian's package as root, otherwise Playwright's download. */
export function ensureChromium({ log, find = findChromium, installers = usualInstallers() }: Ensure): string {
  const present = find()
  if (present !== undefined) return present
  const tried: string[] = []
  for (const { name, install } of installers) {
    log(`no Chromium found: ${name}`)
    try {
      install()
      const found = find()
      if (found !== undefined) return found
      tried.push(`${name} (ended well, yet no browser is there)`)
    } catch (thrown) {
      tried.push(`${name} (${thrown instanceof Error ? thrown.message.split('\n')[0] : String(thrown)})`)
    }
  }
  throw new AppError(
    'unavailable',
    `no Chromium was found and none could be installed; tried ${tried.join('; ')}. Install Chromium, Chrome or Edge, or set SHOAL_CHROMIUM to one`,
  )
}

/** Chromium builds in Playwright's cache, newest first: another Playwright's download serves as well as ours. */
function playwrightPaths(): string[] {
  const cache = playwrightCache()
  if (!existsSync(cache)) return []
  const inside: Partial<Record<NodeJS.Platform, string[]>> = {
    darwin: [
      'chrome-mac/Chromium.app/Contents/MacOS/Chromium',
      'chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
      'chrome-mac-x64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
    ],
    win32: ['chrome-win64/chrome.exe', 'chrome-win/chrome.exe'],
  }
  return readdirSync(cache)
    .filter((name) => /^chromium-\d+$/.test(name))
    .sort((a, b) => Number(b.slice(9)) - Number(a.slice(9)))
    .flatMap((name) =>
      (inside[process.platform] ?? ['chrome-linux64/chrome', 'chrome-linux/chrome']).map((path) => join(cache, name, path)),
    )
}

function playwrightCache(): string {
  const named = process.env['PLAYWRIGHT_BROWSERS_PATH']
  if (named !== undefined && named !== '' && named !== '0') return named
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'ms-playwright')
  if (process.platform === 'win32') return join(process.env['LOCALAPPDATA'] ?? homedir(), 'ms-playwright')
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ms-playwright')
}

function usualInstallers(): Installer[] {
  const run = (command: string, args: string[]): void => {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  }
  const debian = {
    name: 'installing it with apt-get',
    install() {
      run('apt-get', ['update', '-q'])
      run('apt-get', ['install', '-qy', '--no-install-recommends', 'chromium'])
    },
  }
  const playwright = {
    name: 'downloading it with playwright',
    install: () =>
      run(process.execPath, [
        join(dirname(createRequire(import.meta.url).resolve('playwright/package.json')), 'cli.js'),
        'install',
        'chromium',
      ]),
  }
  return existsSync('/usr/bin/apt-get') && process.getuid?.() === 0 ? [debian, playwright] : [playwright]
}

// as a program: prints where the browser is, after installing one where that is needed
if (import.meta.main) console.log(ensureChromium({ log: (line) => console.error(line) }))
