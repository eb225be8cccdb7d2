import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import type { RunId } from '../../../shared/core/ids.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { param } from '../../../server/pipeline/params.ts'
import { createBench } from './pipeline-harness.ts'
import { add, constant, waitsForFile } from './step-kinds.ts'

/** A process with pipelines over the folder given, to be killed: tells each event as a line of JSON, starts one run when there is none, ends when nothing is left to do. */
const folder = argv[2] ?? '.'
const pipeline = definePipeline({
  name: 'long',
  description: '',
  model: 'm',
  dataset: 'd',
  params: { path: join(folder, 'go') },
  steps: {
    one: step(constant, { params: { value: 1 } }),
    two: step(add, { inputs: { a: 'one.out' } }),
    wait: step(waitsForFile, { inputs: { a: 'two.out' }, params: { path: param('path') } }),
    last: step(add, { inputs: { a: 'wait.out', b: 'two.out' } }),
  },
})

const fresh = !existsSync(join(folder, 'shoal.db'))
const bench = await createBench({ folder, pipelines: [pipeline] })
bench.events.subscribe((event) => void stdout.write(`${JSON.stringify(event)}\n`))
await bench.pipelines.begin()
if (fresh) await bench.pipelines.startRun('long', { params: {}, reason: 'test', by: 'crash-server' })
await bench.pipelines.idle()
const { items } = await bench.pipelines.runs({ limit: 10 })
const detail = await bench.pipelines.run(items[0]?.id as RunId)
stdout.write(`${JSON.stringify({ type: 'end', detail, runs: items.length })}\n`)
await bench.close()
