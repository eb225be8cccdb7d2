import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { AppError } from '../../../shared/core/errors.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge-stable', 'microsoft-edge']

function usualPaths(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): string[] {
  if (platform === 'darwin')
    return ['/Applications', join(homedir(), 'Applications')].flatMap((root) =>
      ['Google Chrome', 'Chromium', 'Microsoft Edge'].map((app) => join(root, `${app}.app`, 'Contents', 'MacOS', app)),
    )
  if (platform === 'win32')
    return ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((name) =>
      env[name] === undefined
        ? []
        : [
            join(env[name], 'Google', 'Chrome', 'Application', 'chrome.exe'),
            join(env[name], 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
          ],
    )
  return (env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)))
}

/** A browser of this machine: the named one, SHOAL_CHROMIUM, or one that is installed; undefined where there is none. Throws not_found where the named one is not there. */
export function findChromium(
  named: string | null,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const wanted = named ?? env['SHOAL_CHROMIUM']
  if (wanted !== undefined && wanted !== '') {
    if (existsSync(wanted)) return wanted
    const who = named === null ? `SHOAL_CHROMIUM names ${wanted}, where there is no browser` : `there is no browser at ${wanted}`
    throw new AppError('not_found', `${who}: name one that is there, or leave it out to have one found`)
  }
  return usualPaths(env, platform).find((path) => existsSync(path))
}

/** What an address bar would have each new page start two processes for: nobody types into it. */
export const ADDRESS_BAR_FEATURES = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup'] as const

/** Headless, with WebGPU on its software adapter, and without anything that talks to the network on its own. Candidates are strangers: the sandbox stays, except for root, who cannot have one. */
export const headlessFlags = (root = process.getuid?.() === 0): string[] => [
  '--headless=new',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-unsafe-swiftshader',
  ...(root ? ['--no-sandbox'] : []),
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-extensions',
  `--disable-features=${ADDRESS_BAR_FEATURES.join(',')}`,
]
