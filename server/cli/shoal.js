#!/usr/bin/env node
// What `npx shoal` starts, on whatever Node is there: goes on in main.ts, on Node 24 or later.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const MAIN = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), 'main.ts')

if (Number.parseInt(process.versions.node, 10) >= 24) {
  const { main } = await import('./main.ts')
  await main()
} else {
  const child = spawn(node24(), [MAIN, ...process.argv.slice(2)], { stdio: 'inherit' })
  // Ctrl-C reaches both processes through the terminal: passed on as well, it would come twice
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => {
    console.error(
      `shoal: unavailable: Node 24 is needed, and the one of the npm package "node" does not start (${error.message}): run npm install again`,
    )
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143)
  })
}

/** The Node that the npm package `node` brings along. */
function node24() {
  const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'))
  return join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
}
