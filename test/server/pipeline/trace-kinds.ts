import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import * as z from 'zod'
import { defineComponent } from '../../../server/pipeline/component.ts'

const globals = globalThis as { leftBehind?: number }
let variable = 0

/** Ways to leave something behind, or to end badly. */
const DEEDS = {
  nothing: () => {},
  variable: () => void variable++,
  global: () => void (globals.leftBehind = 1),
  prototype: () => void Object.assign(Array.prototype, { leftBehind: 1 }),
  method: () => void (Math.random = () => 0.5),
  environment: () => void (process.env['LEFT_BEHIND'] = '1'),
  interval: () => void setInterval(() => {}, 1000),
  'unreferenced timer': () => void setInterval(() => {}, 1000).unref(),
  listener: () => void process.on('beforeExit', () => {}),
  output: () => console.log('left behind'),
  memory: () => void (kept = new Uint8Array(80 * 1024 * 1024).fill(1)),
  database: async () => {
    const { DuckDBInstance } = await import('@duckdb/node-api')
    const instance = await DuckDBInstance.create(':memory:')
    instance.closeSync()
  },
  'memory of native code': async () => {
    const { DuckDBInstance } = await import('@duckdb/node-api')
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    await connection.run("CREATE TABLE left_behind AS SELECT repeat('x', 1000000) AS x FROM range(600)")
  },
  throws: () => {
    throw new Error('broken')
  },
  exits: () => process.exit(7),
  hangs: () => {
    for (;;);
  },
  'hangs beside a process': (say: (line: string) => void) => {
    say(`started ${spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']).pid}`)
    // what was said is on its way before the thread is held
    setTimeout(() => {
      for (;;);
    })
    return new Promise<void>(() => {})
  },
  // its folder is there from then on
  'asks for its folder': async (say: (line: string) => void, context: { readonly folder: string }) => {
    await writeFile(join(context.folder, 'file'), 'x')
    say(`wrote into ${context.folder}`)
  },
  'dies later': () =>
    void setTimeout(() => {
      throw new Error('later')
    }, 50),
} as const
let kept: Uint8Array | undefined

export type Deed = keyof typeof DEEDS

/** Says which thread it runs in and what it finds there, then does its deed. */
export const traces = defineComponent({
  name: 'traces',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: {},
  params: z.strictObject({ deed: z.enum(Object.keys(DEEDS) as [Deed, ...Deed[]]) }),
  run: async (context) => {
    const { params, log } = context
    const found = [variable, globals.leftBehind, ([] as { leftBehind?: number }).leftBehind, process.env['LEFT_BEHIND'], kept?.length]
    log.info(
      JSON.stringify({
        worker: `${process.pid}.${threadId}`,
        clean: found.every((value) => value === undefined || value === 0) && Math.random() !== 0.5,
      }),
    )
    await DEEDS[params.deed](log.info, context)
    return { outputs: {} }
  },
})
