import { expect, test } from 'vitest'
import { sourceFiles } from './files.ts'
import { parse, type SyntaxNode, textOf, walk } from './syntax.ts'

/** What reads a tensor while the thread stands still: on WebGPU it is refused or stalls, elsewhere it blocks whatever else waits. */
const BLOCKING = new Set(['dataSync', 'arraySync', 'bytesSync', 'bufferSync', 'readSync'])

/** Files that may, and why they must. */
const ALLOWED: Readonly<Record<string, string>> = {}

/** Names of blocking reads in a source, however they are written: as a member, in brackets, taken out of an object. */
function blockingReads(path: string, source?: string): string[] {
  const found: string[] = []
  const take = (name: unknown): void => {
    const text = textOf(name) ?? ((name as SyntaxNode | undefined)?.['name'] as string | undefined)
    if (text !== undefined && BLOCKING.has(text)) found.push(text)
  }
  walk(parse(path, source), (node) => {
    if (node.type === 'MemberExpression') take(node['property'])
    else if (node.type === 'Property') take(node['key'])
  })
  return found
}

const readers = sourceFiles('shared', 'server', 'client', 'workers').filter((path) => blockingReads(path).length > 0)

test('[HSE-13] no product code reads a tensor synchronously, except where it is named with a reason', () => {
  expect(readers.filter((path) => ALLOWED[path] === undefined)).toEqual([])
  // a reason whose file has none any more is no reason
  expect(Object.keys(ALLOWED).filter((path) => !readers.includes(path))).toEqual([])
})

test('[HSE-13] a blocking read is found in whatever form it is written', () => {
  const source = `export function f(a: any) {
    const { arraySync: read } = a
    return [a.dataSync(), a?.['readSync']('x'), read(), a.data(), 'dataSync', a.bufferSync]
  }`
  expect(blockingReads('shared/x.ts', source).sort()).toEqual(['arraySync', 'bufferSync', 'dataSync', 'readSync'])
})
