/**
 * Many callers, one write at a time: what arrives while a write is under way goes into the next one together, so that a thousand small requests
 * cost a few durable commits. Each caller hears after the write that holds its item. When a write fails its items are tried one by one, so that one bad
 * item fails alone.
 */
export function createGroupCommit<T, R>(
  write: (items: readonly T[]) => Promise<readonly R[]>,
  { maxItems = 256 }: { maxItems?: number } = {},
): (item: T) => Promise<R> {
  type Waiting = { readonly item: T; readonly resolve: (value: R) => void; readonly reject: (reason: unknown) => void }
  const waiting: Waiting[] = []
  let running = false

  const settle = async (group: readonly Waiting[]): Promise<void> => {
    try {
      const results = await write(group.map(({ item }) => item))
      group.forEach(({ resolve }, i) => resolve(results[i] as R))
    } catch (thrown) {
      if (group.length === 1) group[0]?.reject(thrown)
      else for (const one of group) await settle([one])
    }
  }

  const run = async (): Promise<void> => {
    running = true
    while (waiting.length > 0) await settle(waiting.splice(0, maxItems))
    running = false
  }

  return (item) =>
    new Promise<R>((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!running) void run()
    })
}
