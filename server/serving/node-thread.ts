import { Worker } from 'node:worker_threads'
import type { WorkerLike } from '../../shared/worker/connect-worker.ts'

type Listener = Parameters<WorkerLike['addEventListener']>[1]

const tell = (listener: Listener, event: object): void => {
  if (typeof listener === 'function') listener(event as Event)
  else listener.handleEvent(event as Event)
}

/** A Node thread as the endpoint that comlink knows from browsers. That it ended by itself is an error too. It keeps no process alive. */
export function nodeThread(module: URL, options: { readonly memoryMb: number }): WorkerLike {
  const worker = new Worker(module, {
    // the server's own flags (a test runner's, a debugger's) are not the thread's
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: options.memoryMb },
  })
  const listening = new Map<Listener, (value: unknown) => void>()
  worker.unref()
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer as never),
    addEventListener: (type, listener) => {
      if (type === 'message') {
        const on = (data: unknown): void => tell(listener, { data })
        listening.set(listener, on)
        worker.on('message', on)
      } else if (type === 'error') {
        worker.on('error', (error) => tell(listener, { message: error instanceof Error ? error.message : String(error) }))
        worker.on('exit', (code) => tell(listener, { message: `it ended with code ${code}` }))
      } else worker.on('messageerror', (error) => tell(listener, { message: error.message }))
    },
    removeEventListener: (_, listener) => {
      const on = listening.get(listener)
      if (on !== undefined) worker.off('message', on)
      listening.delete(listener)
    },
    terminate: () => void worker.terminate(),
  }
}
