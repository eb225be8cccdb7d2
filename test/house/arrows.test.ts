import { expect, test } from 'vitest'
import { maySpeakSql, wrongArrow } from './arrows.ts'
import { sourceFiles } from './files.ts'
import { importsOf, parse, walk } from './syntax.ts'

const product = sourceFiles('shared', 'server', 'client', 'workers')

test('[HSE-1] every import of shared, server, client and workers follows the arrows', () => {
  const wrong = product.flatMap((from) =>
    importsOf(from).flatMap((to) => {
      const why = wrongArrow(from, to)
      return why === undefined ? [] : [`${from} → ${to}: ${why}`]
    }),
  )
  expect(product.length).toBeGreaterThan(0)
  expect(wrong).toEqual([])
})

test.each([
  ['shared/core/a.ts', 'server/registry/b.ts'],
  ['shared/core/a.ts', 'node:fs'],
  ['shared/core/a.ts', 'preact'],
  ['shared/core/a.ts', 'zod'],
  ['client/sdk/a.ts', 'server/http/b.ts'],
  ['server/http/a.ts', 'client/sdk/b.ts'],
  ['workers/inference/main.ts', 'client/sdk/b.ts'],
  ['server/registry/registry-service.ts', 'server/storage/node-sqlite.ts'],
  ['server/registry/registry-store.ts', 'node:sqlite'],
  ['server/pipeline/components/train.ts', '@tensorflow/tfjs'],
  ['server/serving/serving-worker.ts', 'onnxruntime-web/wasm'],
  ['client/sdk/a.ts', 'zod'],
  ['server/registry/a.ts', 'test/house/files.ts'],
])('[HSE-1] the arrow %s → %s is refused', (from, to) => {
  expect(wrongArrow(from, to)).toBeTypeOf('string')
})

test('[HSE-1] an import is found in whatever form it is written', () => {
  const source = `import type { A } from './a.ts'
    import './b.ts'
    export { c } from '../c.ts'
    export * from 'd'
    type E = import('./e.ts').E
    const f = await import('./f.ts')
    new Worker(new URL('../../workers/g.ts', import.meta.url))`
  expect(importsOf('client/sdk/x.ts', source)).toEqual([
    'client/sdk/a.ts',
    'client/sdk/b.ts',
    'client/c.ts',
    'd',
    'client/sdk/e.ts',
    'client/sdk/f.ts',
    'workers/g.ts',
  ])
})

test('[HSE-2] SQL text stands in stores, migrations and server/storage only', () => {
  const speaking = sourceFiles('server')
    .filter((path) => !maySpeakSql(path))
    .filter((path) => {
      let found = false
      walk(parse(path), (node) => {
        if (node.type === 'TaggedTemplateExpression' && (node['tag'] as { name?: string }).name === 'sql') found = true
      })
      return found
    })
  expect(speaking).toEqual([])
})
