import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** The control plane as its users start it: a process of its own, with its own data folder. */
export type ServerProcess = { readonly url: string; readonly key: string; readonly output: string[]; stop(): Promise<void> }

/**
 * Starts `node server/main.ts` and waits until it prints its address and, on a fresh data folder, its first key. `onLine` sees each line it prints.
 */
export async function startServer(options: {
  root: string
  args: readonly string[]
  onLine?: (line: string) => void
  withinMs?: number
}): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['server/main.ts', ...options.args], { cwd: options.root, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: string[] = []
  let url = ''
  let key = ''
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the server did not start:\n${output.slice(-20).join('\n')}`)),
      options.withinMs ?? 120_000,
    )
    let rest = ''
    const read = (chunk: Buffer) => {
      const lines = (rest + chunk.toString('utf8')).split(/\r?\n|\r/)
      rest = lines.pop() ?? ''
      for (const line of lines) {
        output.push(line)
        options.onLine?.(line)
        url ||= /http:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(line)?.[0] ?? ''
        key ||= /shoal_admin_[A-Za-z0-9_-]+/.exec(line)?.[0] ?? ''
        if (url !== '' && key !== '') {
          clearTimeout(timer)
          resolve()
        }
      }
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`the server ended (${signal ?? code}):\n${output.slice(-20).join('\n')}`))
    })
  })
  await ready
  return { url, key, output, stop: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
