import { expect, test } from 'vitest'
import { read, sourceFiles } from './files.ts'
import { parse, type SyntaxNode, textOf, walk } from './syntax.ts'

const RULE = /[A-Z]{2,5}-[1-9][0-9]*/
const defined = [...read('SPEC.md').matchAll(new RegExp(`^- \\*\\*(${RULE.source})\\*\\*`, 'gm'))].map((match) => match[1])

const TITLED = new Set(['test', 'it', 'describe'])

/** `test`, `test.each(…)`, `test.skipIf(…)` …: the name that a call goes back to. */
function rootName(node: SyntaxNode): string | undefined {
  if (node.type === 'Identifier') return String(node['name'])
  const next = node['callee'] ?? node['object'] ?? node['tag']
  return next === undefined ? undefined : rootName(next as SyntaxNode)
}

/** Titles of the tests and groups in a file; `covered` where a group around it names a rule. */
function titlesIn(path: string): { where: string; kind: string; title: string; covered: boolean }[] {
  const found: { where: string; kind: string; title: string; covered: boolean }[] = []
  const titleOf = (node: SyntaxNode): string | undefined => {
    if (node.type !== 'CallExpression' || !TITLED.has(rootName(node['callee'] as SyntaxNode) ?? '')) return undefined
    const [first, ...others] = node['arguments'] as SyntaxNode[]
    return others.length > 0 ? textOf(first) : undefined
  }
  walk(parse(path), (node, inside) => {
    const title = titleOf(node)
    if (title === undefined) return
    const covered = [...inside, node].some((each) => titleOf(each)?.startsWith('[') ?? false)
    found.push({ where: path, kind: rootName(node['callee'] as SyntaxNode) ?? '', title, covered })
  })
  return found
}

const titles = sourceFiles('test').flatMap(titlesIn)
const named = new Set(
  titles.flatMap(({ title }) => [...(/^(\[[^\]]*\]\s*)+/.exec(title)?.[0] ?? '').matchAll(new RegExp(RULE, 'g'))].map((match) => match[0])),
)

test('[HSE-3] every rule of SPEC.md is defined once', () => {
  expect(defined.length).toBeGreaterThan(0)
  expect(defined.filter((rule, index) => defined.indexOf(rule) !== index)).toEqual([])
})

test('[HSE-3] every rule of SPEC.md is shown by a test', () => {
  expect(defined.filter((rule) => rule !== undefined && !named.has(rule))).toEqual([])
})

test('[HSE-3] every rule that a test names stands in SPEC.md', () => {
  expect([...named].filter((rule) => !defined.includes(rule))).toEqual([])
})

test('[HSE-3] every test names a rule, itself or through the group around it', () => {
  const without = titles.filter(({ kind, covered }) => kind !== 'describe' && !covered)
  expect(without.map(({ where, title }) => `${where}: ${title}`)).toEqual([])
})
