/** Lint rules of this house that oxlint does not ship. Loaded by .oxlintrc.json through Node, which strips the types. */

type Node = {
  readonly type: string
  readonly name?: string
  readonly computed?: boolean
  readonly object?: Node
  readonly property?: Node
  readonly callee?: Node
  readonly arguments?: readonly Node[]
}
type Context = { report(found: { node: Node; message: string }): void }

const AMBIENT: Record<string, string> = {
  'Date.now': 'clock.now()',
  'Math.random': 'random.uniform()',
  'crypto.randomUUID': 'an id of shared/core/ids.ts made from the Random parameter',
}

/** Time and chance come as parameters (Clock, Random), so that a whole fleet runs repeatably in one process. */
const noAmbient = {
  create: (context: Context) => ({
    MemberExpression(node: Node) {
      if (node.computed || node.object?.type !== 'Identifier') return
      const name = `${node.object.name}.${node.property?.name}`
      const instead = AMBIENT[name]
      if (instead !== undefined) context.report({ node, message: `${name} is ambient: take ${instead} instead` })
    },
    NewExpression(node: Node) {
      if (node.callee?.name !== 'Date' || node.arguments?.length !== 0) return
      context.report({ node, message: 'new Date() reads the ambient clock: take new Date(clock.now()) instead' })
    },
  }),
}

// oxlint reads a plugin from the default export
export default { meta: { name: 'house' }, rules: { 'no-ambient': noAmbient } }
