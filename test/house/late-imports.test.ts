import { posix } from 'node:path'
import { expect, test } from 'vitest'
import { parse, type SyntaxNode, textOf } from './syntax.ts'

/** Libraries that take longer to load than all of Shoal. */
const HEAVY = /^(@tensorflow\/|onnxruntime-|@duckdb\/|playwright|vite$)/

/** What is loaded before a file's first line runs: its import statements and re-exports but for types. */
const loadedBy = (path: string): string[] =>
  (parse(path)['body'] as SyntaxNode[])
    .filter(({ type, importKind, exportKind }) => /^(Import|Export)/.test(type) && importKind !== 'type' && exportKind !== 'type')
    .flatMap(({ source }) => textOf(source) ?? [])
    .map((to) => (to.startsWith('.') ? posix.join(posix.dirname(path), to) : to))

/** How a file comes to load a heavy library, import by import; empty where it does not. */
function heavyPath(from: string): string[] {
  const paths = new Map([[from, [from]]])
  for (const [file, path] of paths) {
    for (const to of loadedBy(file)) {
      if (HEAVY.test(to)) return [...path, to]
      if (to.endsWith('.ts') && !paths.has(to)) paths.set(to, [...path, to])
    }
  }
  return []
}

test.each(['server/main.ts', 'server/cli/main.ts', 'server/pipeline/step-worker.ts', 'server/pipeline/step-host.ts'])(
  '[HSE-14] %s loads no library that only computing needs',
  (start) => {
    expect(heavyPath(start)).toEqual([])
  },
)

test('[HSE-14] a library that is loaded is found, and how', () => {
  expect(heavyPath('shared/compute/load-runtime.ts').at(-1)).toMatch(HEAVY)
})
