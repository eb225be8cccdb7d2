import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** Where Debian and others put the server's programs. */
const FOLDERS = ['/usr/lib/postgresql', '/usr/pgsql', '/opt/homebrew/opt/postgresql', '/usr/local/opt/postgresql']

function programs(): string | undefined {
  const versions = FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(folder, version, 'bin')),
  )
  return [...versions, ...FOLDERS.map((folder) => join(folder, 'bin')), ...(process.env['PATH'] ?? '').split(':')].find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  )
}

/** It refuses to run as root: then it runs as the user that its package made. */
function runAs(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }))
  return { uid: id('-u'), gid: id('-g') }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

export type PostgresServer = { readonly url: string; run(sql: string): Promise<void>; close(): Promise<void> }

/** A PostgreSQL of our own with nothing in it; a sentence where there is none on this machine. */
export async function startPostgres(): Promise<PostgresServer | string> {
  const bin = programs()
  if (bin === undefined) return 'no PostgreSQL on this machine (install the package postgresql)'
  const folder = mkdtempSync(join(tmpdir(), 'shoal-postgres-'))
  let server: ChildProcess | undefined
  const end = async (): Promise<void> => {
    if (server && server.exitCode === null) {
      server.kill('SIGINT')
      await new Promise((resolve) => server?.once('exit', resolve))
    }
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const user = runAs()
    chmodSync(folder, 0o700)
    if (user) chownSync(folder, user.uid, user.gid)
    const data = join(folder, 'data')
    execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'shoal', '--auth=trust', '-E', 'UTF8', '--no-sync'], {
      ...user,
      cwd: folder,
      stdio: 'ignore',
    })
    const port = await freePort()
    server = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-F'], {
      ...user,
      cwd: folder,
      stdio: 'ignore',
    })
    const url = `postgres://shoal@127.0.0.1:${port}/postgres`
    for (let tries = 0; ; tries++) {
      const client = new pg.Client({ connectionString: url })
      try {
        await client.connect()
        await client.end()
        break
      } catch (thrown) {
        await client.end().catch(() => {})
        if (tries > 300 || server.exitCode !== null) throw thrown
        await sleep(50)
      }
    }
    const run = async (sql: string): Promise<void> => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(sql)
      await client.end()
    }
    return { url, run, close: end }
  } catch (thrown) {
    await end()
    return `PostgreSQL does not start here: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  }
}
