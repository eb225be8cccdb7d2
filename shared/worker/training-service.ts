import { must } from '../core/assert.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { type BackendName, type BackendOptions, lifeOf, startBackend } from '../compute/backends.ts'
import { trainModel, type TrainOptions, type TrainProgress } from '../compute/train.ts'
import type { TrainingCheckpoint } from '../compute/training-checkpoint.ts'
import type { TrainingThreads } from '../compute/training-threads.ts'
import { localUpdate, type LocalUpdateOptions } from '../federated/local-update.ts'
import { sizeOf } from '../tensor/tensor.ts'
import { prepareInput } from './prepare-input.ts'
import { createTrainingPace, type TrainingPace } from './training-pace.ts'
import type { TrainedUpdate, TrainingApi, TrainRequest } from './training-api.ts'

export type TrainingServiceOptions = BackendOptions & {
  readonly clock?: Clock
  /** Tried in this order. Not WebGPU: the answers that the person waits for are computed there. */
  readonly backends?: readonly BackendName[]
  /** What plans train on, beside the service's own thread. */
  readonly threads?: TrainingThreads
}

type Job = {
  readonly controller: AbortController
  readonly pace: TrainingPace
  readonly ended: Promise<TrainedUpdate>
  readonly state: JobState
}

type JobState = { progress: TrainProgress | null; backend: BackendName | null; checkpoint: TrainingCheckpoint | null }

/** Time between two checkpoints, milliseconds: what a loss costs at most. */
const CHECKPOINT_MS = 2000

/** How long `next` waits for the end of a job, in milliseconds. */
const BEAT = 250

/** Prepared by the very code that prepares what the version is asked about. */
function prepared({ manifest, examples }: TrainRequest): Pick<LocalUpdateOptions, 'examples' | 'labels'> {
  const shape = must(manifest.signature.inputs[0], 'an input').shape.slice(1)
  const rows: Float32Array[] = []
  const labels: number[] = []
  for (const { input, label } of examples) {
    const index = manifest.labels.indexOf(label)
    if (index === -1) continue
    try {
      rows.push(prepareInput(manifest, input).tensor.data as Float32Array)
      labels.push(index)
    } catch (thrown) {
      // kept under another version, which took another form
      if (!(thrown instanceof AppError)) throw thrown
    }
  }
  const size = sizeOf(shape)
  const data = new Float32Array(rows.length * size)
  for (const [i, row] of rows.entries()) data.set(row, i * size)
  return { examples: { data, shape: [rows.length, ...shape] }, labels: Int32Array.from(labels) }
}

/**
 * A device's training over shared/compute, for whatever thread runs it: the browser's training worker, or the process of a simulation. One job at a time.
 *
 * @example
 * const service = createTrainingService({ wasmPath })
 * const job = await service.begin({ manifest, tensors, examples, plan })
 * const state = await service.next(job)
 */
export function createTrainingService(options: TrainingServiceOptions): TrainingApi {
  const { clock = systemClock, backends = ['wasm', 'cpu'], threads } = options
  const jobs = new Map<number, Job>()
  let last = 0
  let turn: Promise<unknown> = Promise.resolve()

  async function startAny(): Promise<BackendName> {
    const reasons: string[] = []
    for (const backend of backends) {
      const started = await startBackend(backend, options)
      if (started.ok) return backend
      reasons.push(started.error.detail)
    }
    throw new AppError('no_backend', `nothing here can train: ${reasons.join('; ')}`)
  }

  async function train(request: TrainRequest, signal: AbortSignal, pace: TrainingPace, state: JobState): Promise<TrainedUpdate> {
    const backend = await startAny()
    state.backend = backend
    const { plan, tensors: base, manifest, resume } = request
    let kept = clock.monotonic()
    const checkpoint = {
      every: 1,
      due: () => clock.monotonic() - kept >= CHECKPOINT_MS,
      async save(made: TrainingCheckpoint) {
        kept = clock.monotonic()
        state.checkpoint = made
      },
    }
    const run = (options: TrainOptions) =>
      trainModel({
        ...options,
        checkpoint,
        betweenSteps: pace.between,
        // plans run on WASM: whoever asks for the GPU means it
        ...(backend === 'webgpu' ? { engineChoice: 'tfjs' as const } : {}),
        ...(threads === undefined ? {} : { threads }),
        ...(resume === undefined ? {} : { resume }),
      })
    const onProgress = (progress: TrainProgress) => {
      state.progress = progress
    }
    const update = await lifeOf(backend).within(() =>
      localUpdate({ plan, base, topology: manifest.topology, ...prepared(request), train: run, signal, onProgress }),
    )
    return { ...update, backend }
  }

  const known = (number: number): Job => {
    const job = jobs.get(number)
    if (job === undefined) throw new AppError('conflict', `there is no training job ${number} here`)
    return job
  }

  return {
    async begin(request) {
      const controller = new AbortController()
      const pace = createTrainingPace(clock)
      if (request.paused === true) pace.pause()
      const state: JobState = { progress: null, backend: null, checkpoint: null }
      const ended = turn.then(() => train(request, controller.signal, pace, state))
      const job: Job = { controller, pace, ended, state }
      turn = ended.catch(() => {
        // what lost its GPU while it rested must not wake up on the next job's
        controller.abort()
        pace.resume()
      })
      jobs.set(++last, job)
      return last
    },
    async next(number) {
      const job = known(number)
      const waited = new AbortController()
      const beat = clock.sleep(BEAT, waited.signal).then(
        () => undefined,
        () => undefined,
      )
      try {
        const update = await Promise.race([job.ended, beat])
        if (update === undefined) {
          const now = { ...job.state }
          job.state.checkpoint = null
          return { done: false, ...now }
        }
        jobs.delete(number)
        return { done: true, update }
      } catch (thrown) {
        jobs.delete(number)
        throw thrown
      } finally {
        waited.abort()
      }
    },
    async share(number, part) {
      jobs.get(number)?.pace.share(part)
    },
    async pause(number) {
      known(number).pace.pause()
    },
    async resume(number) {
      known(number).pace.resume()
    },
    async cancel(number) {
      const job = jobs.get(number)
      job?.controller.abort()
      job?.pace.resume()
    },
  }
}
