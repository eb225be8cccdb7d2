import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test, vi } from 'vitest'
import type { AnyComponent } from '../../../server/pipeline/component.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { PARALLEL_STEPS } from '../../../server/services.ts'
import { sharedWorkers } from '../shared-workers.ts'
import { createBench } from './pipeline-harness.ts'
import { waitsForFile } from './step-kinds.ts'

const own = (path: string): string => new URL(`../../../${path}`, import.meta.url).href

/** A component whose module writes a file when it is loaded. */
const late = (mark: string) => `
import { writeFileSync } from 'node:fs'
import * as z from ${JSON.stringify(own('node_modules/zod/index.js'))}
import { defineComponent } from ${JSON.stringify(own('server/pipeline/component.ts'))}
writeFileSync(${JSON.stringify(mark)}, '')
export const late = defineComponent({
  name: 'late',
  version: '1',
  module: import.meta.url,
  inputs: { a: 'metrics' },
  outputs: { out: 'metrics' },
  params: z.strictObject({}),
  run: async ({ blobs }) => ({ outputs: { out: await blobs.json({ value: 1 }) } }),
})
`

test("[PIP-190] while a step runs, the module of the next one is loaded in a worker that waits, whatever it had loaded: this run's first step waits for that", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-late-'))
  try {
    // every worker has loaded for a step that never comes
    sharedWorkers.fill()
    for (let i = 0; i < PARALLEL_STEPS; i++) {
      const mark = join(folder, `never-${i}`)
      const module = `${mark}.ts`
      await writeFile(module, late(mark))
      sharedWorkers.expect(pathToFileURL(module).href)
      await vi.waitFor(() => access(mark), { timeout: 10_000 })
    }
    const mark = join(folder, 'loaded')
    const module = join(folder, 'late.ts')
    await writeFile(module, late(mark))
    const loaded = (await import(/* @vite-ignore */ pathToFileURL(module).href)) as { late: AnyComponent }
    await rm(mark)
    const bench = await createBench({
      pipelines: [
        definePipeline({
          name: 'two',
          description: '',
          model: 'm',
          dataset: 'd',
          steps: {
            first: step(waitsForFile, { params: { path: mark } }),
            second: step({ ...loaded.late, module: pathToFileURL(module).href }, { inputs: { a: 'first.out' } }),
          },
        }),
      ],
    })
    try {
      const { id } = await bench.pipelines.startRun('two', { params: {}, reason: 'test', by: 'tests' })
      await bench.pipelines.idle()
      expect(await bench.pipelines.run(id)).toMatchObject({ state: 'succeeded', error: null })
    } finally {
      await bench.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
