import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Files of ours that reach the page when `entry` is imported: through imports that are not of types only. */
function reached(entry: string): string[] {
  const found = new Set<string>()
  const visit = (file: string): void => {
    if (found.has(file)) return
    found.add(file)
    const text = readFileSync(file, 'utf8')
    for (const [, names, from] of text.matchAll(/^(?:import|export)\s+((?!type\s)[^'"]*?)from\s+'(\.[^']+\.ts)'/gm)) {
      const onlyTypes =
        /^\{[^}]*\}\s*$/.test(names ?? '') &&
        (names ?? '')
          .replace(/[{}\s]/g, '')
          .split(',')
          .filter(Boolean)
          .every((name) => name.startsWith('type'))
      if (!onlyTypes) visit(join(dirname(file), from ?? ''))
    }
  }
  visit(join(root, entry))
  return [...found].map((file) => relative(root, file))
}

test('[DEV-48] importing the SDK brings no compute library onto the page', () => {
  const files = reached('client/sdk/connect.ts')
  expect(files).toContain('client/sdk/device.ts')
  expect(files).toContain('shared/worker/connect-worker.ts')
  // the names of what a model may run on, and the sentence about it
  const words = 'shared/compute/backend-choice.ts'
  const heavy = files.filter((file) => file.startsWith('shared/compute/') || file === 'shared/worker/inference-service.ts')
  expect(heavy.filter((file) => file !== words)).toEqual([])
})
