import { systemClock } from '../../shared/core/clock.ts'
import { runCli } from './run-cli.ts'

/** The command line over this process: its arguments, environment, streams and network. */
export async function main(): Promise<void> {
  process.exitCode = await runCli(process.argv.slice(2), {
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    fetch: (url, init) => fetch(url, init).catch(explain),
    clock: systemClock,
  })
}

/** Node says `fetch failed` and keeps the reason (refused, unknown host) for its cause. */
function explain(thrown: unknown): never {
  const { cause } = thrown as { cause?: unknown }
  if (!(cause instanceof Error)) throw thrown
  throw new Error(cause.message || String((cause as NodeJS.ErrnoException).code), { cause: thrown })
}

if (import.meta.main) await main()
