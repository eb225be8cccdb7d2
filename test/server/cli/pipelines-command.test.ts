import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '../../house/files.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

let world: CliWorld
let folder: string
beforeAll(async () => {
  world = await createCliWorld()
  folder = await mkdtemp(join(tmpdir(), 'shoal-pipelines-'))
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

const from = (path: string): string => JSON.stringify(pathToFileURL(join(ROOT, 'server', 'pipeline', path)).href)
let files = 0

/** A file as somebody would write it, in a folder that has nothing to do with this one. */
async function validate(body: string, words = '') {
  const path = join(folder, `mine-${++files}.mts`)
  await writeFile(
    path,
    `import { definePipeline, step } from ${from('pipeline.ts')}
     import { evaluate } from ${from('components/evaluate.ts')}
     import { extract } from ${from('components/extract.ts')}
     import { train } from ${from('components/train.ts')}
     ${body}`,
  )
  return world.run(`pipelines validate ${path}${words}`)
}

test('[CLI-57] a file whose pipelines hold together is shown, without a server', async () => {
  const body = `export const pipelines = [definePipeline({ name: 'mine', model: 'mine', dataset: 'mine', description: '', triggers: { schedule: { enabled: true, settings: { cron: '0 3 * * 1' } } },
    steps: { extract: step(extract, { params: { sources: { rows: 'mine' } } }) } })]`
  expect(await validate(body)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/mine\textract\tschedule/),
    err: expect.stringMatching(/shoal serve --pipelines/),
  })
  expect(JSON.parse((await validate(body, ' --json')).out)).toMatchObject({ pipelines: ['mine'] })
  expect(world.requests).toEqual([])
})

test('[CLI-57] everything at fault is named: a circle, mistyped wires, parameters, triggers, doubles', async () => {
  const circle = await validate(`export const pipelines = [definePipeline({ name: 'c', model: 'c', dataset: 'c', description: '', steps: {
    a: step(train, { inputs: { train: 'b.metrics', validation: 'a.nothing', transforms: 'x.y' }, params: { recipe: 5 } }),
    b: step(evaluate, { inputs: { model: 'a.model', test: 'a.model', transforms: 'a.history' } }),
  } })]`)
  expect(circle.code).toBe(1)
  for (const part of [
    /steps\.a\.inputs\.train: takes type split, but b\.metrics is of type metrics/,
    /steps\.a\.inputs\.validation: step a has no output nothing; it has model, history/,
    /steps\.a\.inputs\.transforms: comes from step x, which does not exist/,
    /steps\.a\.params\.recipe/,
    /waits for itself through a, b/,
  ])
    expect(circle.err).toMatch(part)
  const one = `{ name: 'd', model: 'd', dataset: 'd', description: '', steps: { extract: step(extract, { params: { sources: { rows: 'd' } } }) }`
  const double = await validate(
    `export const pipelines = [definePipeline(${one} }), definePipeline(${one}, triggers: { schedule: { enabled: true, settings: { cron: 'soon' } } } }), 5]`,
  )
  expect(double).toMatchObject({ code: 1, err: expect.stringMatching(/there is another pipeline d/) })
  expect(double.err).toMatch(/triggers\.schedule: .*soon/)
  expect(double.err).toMatch(/pipelines\[2\]: is no pipeline/)
})

test('[CLI-57] a file that cannot be loaded is told with what helps', async () => {
  expect(await world.run('pipelines validate /nowhere/mine.mts')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/not_found: .*is not there/),
  })
  expect(await validate('export const other = []')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/exports no list named pipelines/),
  })
  expect(await validate(`import '/nowhere/components.ts'`)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/cannot be loaded: .*nowhere/),
  })
  expect(await validate('export const pipelines = [')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/invalid_pipeline: .*cannot be loaded/),
  })
})
