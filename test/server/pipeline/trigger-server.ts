import { argv, stdout } from 'node:process'
import type { Slug } from '../../../shared/core/ids.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { createBench } from './pipeline-harness.ts'
import { constant } from './step-kinds.ts'

/** A process whose pipeline is started by new data, to be killed: tells each event as a line, brings the data when there is none, ends when nothing is left to do. */
const pipeline = definePipeline({
  name: 'eager',
  description: '',
  model: 'm',
  dataset: 'd',
  steps: { one: step(constant, { params: { value: 1 } }) },
  triggers: { 'new-data': { enabled: true, settings: { minSpans: 1 } } },
})
const bench = await createBench({ folder: argv[2] ?? '.', pipelines: [pipeline] })
bench.events.subscribe(({ type }) => void stdout.write(`${type}\n`))
await bench.pipelines.begin()
const dataset = 'd' as Slug
if ((await bench.datasets.list()).length === 0) {
  await bench.datasets.create({ name: dataset, description: '' })
  await bench.datasets.upload(dataset, { data: new Blob(['id,x\n1,1\n']).stream(), type: 'text/csv', source: 'test' })
}
// what the event of a killed process would have started
await bench.pipelines.tick()
await bench.pipelines.idle()
await bench.close()
