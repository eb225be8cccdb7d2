import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { HELP } from '../../config.ts'
import type { Command } from '../command.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'main.ts')

/** Not made by command(): its options are the server's own settings and go there untouched. */
export const serve: Command = {
  name: 'serve',
  description: 'Start the control plane, with the app and the console, in this terminal',
  args: {},
  rest: 'settings of the server, such as --port 8787 --data ./data',
  more: HELP,
  run: (cli, words) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [MAIN, ...words], { stdio: 'inherit', env: { ...process.env, ...cli.env } })
      // Ctrl-C reaches the server through the terminal: passed on as well, it would come twice, which means "at once"
      const stop = (signal: NodeJS.Signals): void => void ((signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal))
      process.on('SIGTERM', stop).on('SIGINT', stop)
      child.on('error', reject)
      child.on('exit', (code) => {
        process.off('SIGTERM', stop).off('SIGINT', stop)
        resolve(code ?? 1)
      })
    }),
}
