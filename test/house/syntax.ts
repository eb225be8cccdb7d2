import { posix } from 'node:path'
import { parseSync } from 'vite'
import { read } from './files.ts'

/** A node of the syntax tree, as far as the house tests look. */
export type SyntaxNode = { readonly type: string; readonly [field: string]: unknown }

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'

/** Calls `visit` with every node below, parents first; `inside` lists the parents, outermost first. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, inside: readonly SyntaxNode[]) => void,
  inside: readonly SyntaxNode[] = [],
): void {
  visit(node, inside)
  const path = [...inside, node]
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) if (isNode(child)) walk(child, visit, path)
  }
}

export function parse(path: string, source = read(path)): SyntaxNode {
  const { program, errors } = parseSync(path, source)
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`)
  return program as unknown as SyntaxNode
}

/** A literal's text; a template's up to its first hole; undefined where it is neither. */
export function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined
  if (node.type !== 'TemplateLiteral') return undefined
  const [first] = node['quasis'] as { value: { cooked: string } }[]
  return first?.value.cooked
}

/** Everything a file imports: statements (types too), import(), re-exports, and files named to `new URL(…, import.meta.url)`. Ours as paths from the root. */
export function importsOf(path: string, source?: string): string[] {
  const found: string[] = []
  const add = (node: unknown): void => {
    const text = textOf(node)
    if (text !== undefined) found.push(text.startsWith('.') ? posix.join(posix.dirname(path), text.replace(/\?.*$/, '')) : text)
  }
  walk(parse(path, source), (node) => {
    if (/^(Import|ExportNamed|ExportAll)Declaration$|^ImportExpression$|^TSImportType$/.test(node.type))
      add(node['source'] ?? node['argument'])
    if (node.type !== 'NewExpression' || (node['callee'] as { name?: string }).name !== 'URL') return
    const [file, base] = node['arguments'] as SyntaxNode[]
    if (base?.type === 'MemberExpression') add(file)
  })
  return found
}
