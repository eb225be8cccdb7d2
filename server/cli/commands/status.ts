import { AppError, toAppError } from '../../../shared/core/errors.ts'
import { command } from '../command.ts'
import { fieldsText, pairsText } from '../output.ts'

export const status = command({
  name: 'status',
  description: 'Whether the server is ready, and what this key may do',
  async run({ client, url, output }) {
    const info = await client('info.get')
    const ready = await client('health.ready').catch(unready)
    const key = await client('keys.self').catch((thrown: unknown) => {
      const error = toAppError(thrown)
      if (error.status === 401) return undefined
      throw error
    })
    const whole = { url, ...info, ready: ready.ready, checks: ready.checks, key: key ?? null }
    output.answer(whole, () =>
      fieldsText([
        ['server', `${url} (${info.name} ${info.version})`],
        ['ready', `${ready.ready ? 'yes' : 'no'} ${pairsText(ready.checks)}`],
        ['apps', info.apps.join(', ') || '-'],
        ['key', key ? `${key.name}: ${key.scope}` : 'none that this server knows'],
      ]),
    )
    return ready.ready ? 0 : 1
  },
})

/** Not ready is an answer here, no failure. */
function unready(thrown: unknown): { ready: boolean; checks: Record<string, string> } {
  const error = toAppError(thrown)
  if (error.code !== 'unavailable') throw error
  const checks = error.issues.map((issue) => [issue.where, issue.what])
  return {
    ready: false,
    checks: checks.length > 0 ? Object.fromEntries(checks) : { detail: error instanceof AppError ? error.detail : '' },
  }
}
