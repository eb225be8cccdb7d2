// Boosted trees beside Google's YDF, on shells (regression) and on flights (labels): seconds of training, loss on the test rows, microseconds a row, bytes of model and runtime.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { ensureClientBuilt } from '../../server/client-build.ts'
import { must } from '../../shared/core/assert.ts'
import { systemClock } from '../../shared/core/clock.ts'
import { type Bench, compare, type Figures, timingRows } from '../measure.ts'
import { ourSide } from './trees/our-side.ts'
import { abalone, flightsTable, type Table } from './trees/tables.ts'
import { ydfSide } from './trees/ydf-side.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const round = (value: number): number => Number(value.toPrecision(4))

/** Root of the mean squared error, or the mean log loss of what is said of `late`. */
function lossOf({ test, label, task }: Table, answers: readonly number[]): number {
  const sum = test.reduce((total, row, i) => {
    const answer = must(answers[i], 'an answer')
    if (task === 'regression') return total + (answer - Number(row[label])) ** 2
    return total - Math.log(row[label] === 'late' ? answer : 1 - answer)
  }, 0)
  return task === 'regression' ? Math.sqrt(sum / test.length) : sum / test.length
}

/** Bytes (gzip) that a page loads for its first model of trees, beside what it has loaded for any model. */
async function chunkBytes(): Promise<number> {
  const { folder } = await ensureClientBuilt({ root: ROOT })
  const files = await readdir(folder, { recursive: true })
  const chunk = must(
    files.find((name) => /trees-runtime[^/]*\.js$/.test(name)),
    'the chunk of trees',
  )
  return gzipSync(await readFile(join(folder, chunk))).length
}

/** `npm run bench -- trees [one flight of how many] [rounds]` */
export const bench: Bench = async ({ words, say, table }) => {
  const [every, rounds] = [Number(words[0] ?? 15), Number(words[1] ?? 3)]
  const folder = await mkdtemp(join(tmpdir(), 'shoal-trees-'))
  const figures: Record<string, Figures> = {}
  try {
    for (const one of [await abalone(), await flightsTable(folder, every)]) {
      say(`${one.name}: ${one.train.length} rows to learn from, ${one.test.length} for the test`)
      const [ours, ydf] = [ourSide(one), await ydfSide(one)]
      const training = await compare({ clock: systemClock, rounds, sides: { ours: () => ours.train(), ydf: () => ydf.train() } })
      table(timingRows(training))
      const answering = await compare({ clock: systemClock, rounds: 5, sides: { ours: () => ours.predict(), ydf: () => ydf.predict() } })
      const [own, theirs] = [lossOf(one, await ours.predict()), lossOf(one, ydf.predict())]
      const walk = await ours.walk(() => systemClock.monotonic())
      const row = (ms: number): number => round((1000 * ms) / one.test.length)
      const { stored, gzip } = ours.bytes()
      figures[one.name] = {
        loss: { ours: round(own), ydf: round(theirs), ratio: round(own / theirs) },
        trainingSeconds: { ours: round(training.ours.median / 1000), ydf: round(training.ydf.median / 1000) },
        trainingRatio: round(training.ours.median / training.ydf.median),
        trees: { ours: ours.trees(), ydf: ydf.trees() },
        // YDF's with its reading of text, ours with its transforms
        rowMicroseconds: {
          ours: row(answering.ours.median),
          ydf: row(answering.ydf.median),
          walkAlone: round(walk.alone),
          walk: round(walk.together),
        },
        modelBytes: { ours: stored, gzip, ydfZip: await ydf.bytes() },
      }
      say(JSON.stringify(figures[one.name]))
    }
    return { ...figures, runtimeGzipBytes: await chunkBytes() }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
