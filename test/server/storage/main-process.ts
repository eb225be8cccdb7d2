import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../../server/main.ts', import.meta.url))

export type MainProcess = {
  readonly child: ChildProcess
  readonly url: string
  readonly printed: () => string
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: string | null }>
}

/** `node server/main.ts` on a data folder, once it answers. Fails when it ends first. */
export async function startMain(
  data: string,
  settings: { args?: readonly string[]; env?: Record<string, string> } = {},
): Promise<MainProcess> {
  const args = [
    '--disable-warning=ExperimentalWarning',
    MAIN,
    '--data',
    data,
    '--port',
    '0',
    '--log-level',
    'warning',
    '--demo',
    'none',
    ...(settings.args ?? []),
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...settings.env } })
  let text = ''
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      text += chunk.toString()
      const found = /http:\/\/localhost:\d+/.exec(text)
      if (found) resolve(found[0])
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) => reject(new Error(`the server ended (${code}): ${text}`)))
  })
  const end: MainProcess['end'] = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    }
    return { code: child.exitCode, signal: child.signalCode }
  }
  return { child, url, printed: () => text, end }
}
