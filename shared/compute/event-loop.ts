/** Lets timers, messages and I/O of this thread run before it goes on. Unlike a timer of 0 ms it costs microseconds. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
