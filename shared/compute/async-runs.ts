/**
 * tfjs has one current backend, and a graph with control flow is computed over several turns of the event loop. Until it is done nobody else may make another
 * backend the current one.
 */
let last: Promise<unknown> = Promise.resolve()
let running = 0

/** Runs `work` after all that was asked for before; whoever waits for `asyncRunsEnded` waits for it. */
export function runAlone<T>(work: () => Promise<T>): Promise<T> {
  running++
  const result = last.then(work).finally(() => {
    running--
  })
  last = result.catch(() => undefined)
  return result
}

/** Resolves when no such work runs or waits. Nothing between it and the next `await` is disturbed. */
export async function asyncRunsEnded(): Promise<void> {
  while (running > 0) await last
}
