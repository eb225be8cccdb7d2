import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { argv, kill, pid, stdout } from 'node:process'
import { systemClock } from '../../../shared/core/clock.ts'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import { inFolder } from '../../../server/datasets/span-files.ts'
import { definePipeline } from '../../../server/pipeline/pipeline.ts'
import { flights } from '../../../server/pipelines/flights.ts'
import { flightsSchema, writeFlights } from '../../../server/pipelines/flights-data.ts'
import { createBench } from './pipeline-harness.ts'

/**
 * A process that runs the flights pipeline on little data over the folder given and kills itself without warning (SIGKILL) at the point given: `STEP:running`, `STEP:middle` (its first progress, or 15 ms after its start),
 * `STEP:succeeded`, `register:made` (the version is there, the step has not ended), `train:kept` (its first checkpoint is there) or `after:MS`. Goes on with a run that was interrupted. Without a point
 * it runs to the end, and prints the run. The last argument is the number of epochs.
 */
const [, , folder = '.', point = 'none', epochs = '1'] = argv
const [where = '', what = ''] = point.split(':')
const die = () => kill(pid, 'SIGKILL')

const FLIGHTS = 'flights' as Slug
const fresh = !existsSync(join(folder, 'begun'))
const pipeline = definePipeline({ ...flights, triggers: {} })
const bench = await createBench({ folder, pipelines: [pipeline] })
if (fresh) {
  await bench.registry.createModel({ name: FLIGHTS, description: '' })
  await bench.datasets.create({ name: FLIGHTS, description: '', schema: flightsSchema })
  await inFolder(join(folder, 'work'), async (work) => {
    const path = join(work, 'flights.parquet')
    await writeFlights(path, work, { from: '2001-01-01', until: '2001-02-01', every: 250 })
    await bench.datasets.addFile(FLIGHTS, { path, source: 'test' })
  })
  await bench.pipelines.startRun('flights', { params: { epochs: Number(epochs), mostLogLoss: 5 }, reason: 'test', by: 'tests' })
  await writeFile(join(folder, 'begun'), '')
}
// only now: what is tested is the run
bench.events.subscribe(({ type, data }) => {
  const { step, state } = data as { step?: string; state?: string }
  if (step !== where) return
  if (type === 'run.changed' && state === what) die()
  else if (type === 'run.progress' && what === 'middle') die()
  else if (type === 'run.changed' && state === 'running' && what === 'middle') void systemClock.sleep(15).then(die)
})
if (where === 'after') void systemClock.sleep(Number(what)).then(die)
if (what === 'made') {
  const watch = async () => {
    if ((await bench.registry.getModel(FLIGHTS)).latest === 1) die()
    setImmediate(() => void watch())
  }
  void watch()
}
if (what === 'kept') {
  const kept = join(folder, 'work', 'kept')
  const watch = async () => {
    const names = await readdir(kept).catch(() => [])
    if (names.some((name) => existsSync(join(kept, name, 'training')))) die()
    setImmediate(() => void watch())
  }
  void watch()
}
if (!fresh) await bench.pipelines.begin()
await bench.pipelines.idle()
const { items } = await bench.pipelines.runs({ limit: 10 })
const run = await bench.pipelines.run(items[0]?.id as RunId)
const { pieces, tensors } = await bench.registry.manifestOf(FLIGHTS, 1)
const model = await bench.registry.getModel(FLIGHTS)
const logs = await bench.pipelines.logs(run.id, { step: 'train', limit: 500 })
const kept = await readdir(join(folder, 'work', 'kept')).catch(() => [])
stdout.write(
  JSON.stringify({
    run,
    said: logs.items.map(({ message }) => message),
    kept,
    runs: items.length,
    pieces,
    tensors,
    latest: model.latest,
    aliases: model.aliases,
  }),
)
await bench.close()
