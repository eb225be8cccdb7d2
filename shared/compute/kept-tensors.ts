import type { Tensor } from './tf.ts'

type TensorsMap = Record<string, (Tensor | undefined)[]>
type Executor = {
  executeWithControlFlow?(inputs: unknown, context: unknown, outputs: readonly string[], isFunction: boolean): Promise<TensorsMap>
}

const mended = new WeakSet<object>()

/**
 * tfjs-converter 4.22 ends the body of a loop by disposing everything that it computed, also what it has put into a tensor list to outlive it: graphs that
 * build lists in loops (text models) then read tensors that are gone. What is marked as kept is hidden from that disposal; the list frees it.
 */
export function keepListedTensors(graph: object): void {
  const { executor } = graph as { executor?: Executor }
  const prototype = executor === undefined ? undefined : (Object.getPrototypeOf(executor) as Executor)
  const original = prototype?.executeWithControlFlow
  if (prototype === undefined || original === undefined || mended.has(prototype)) return
  mended.add(prototype)
  prototype.executeWithControlFlow = async function (this: Executor, inputs, context, outputs, isFunction) {
    const computed = await original.call(this, inputs, context, outputs, isFunction)
    if (!isFunction) return computed
    const answered = new Set(outputs.map((name) => name.split(':')[0]))
    const listed = (name: string, tensors: (Tensor | undefined)[]) =>
      answered.has(name) ? tensors : tensors.map((tensor) => (tensor?.kept === true ? undefined : tensor))
    return Object.fromEntries(Object.entries(computed).map(([name, tensors]) => [name, listed(name, tensors)]))
  }
}
