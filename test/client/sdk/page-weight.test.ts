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
  // what a model may run on, the sentence about it, what of it is remembered, and when it is measured again: rules without a library
  const rules = ['backend-choice', 'remembered-choice', 'latency-watch'].map((name) => `shared/compute/${name}.ts`)
  const heavy = files.filter((file) => file.startsWith('shared/compute/') || file === 'shared/worker/inference-service.ts')
  expect(heavy.filter((file) => !rules.includes(file))).toEqual([])
  const libraries = files.filter((file) => /from '(@tensorflow|onnxruntime)/.test(readFileSync(join(root, file), 'utf8')))
  expect(libraries).toEqual([])
})
