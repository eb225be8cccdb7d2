import { AppError, toAppError } from '../../../shared/core/errors.ts'
import type { ContributeOptions, Contribution } from '../api.ts'
import type { DeviceContext } from '../device-context.ts'
import type { RecentAnswer } from '../recent-answers.ts'
import { whyUntrainable } from '../../../shared/trust/trainable.ts'
import { takePart } from './contribute.ts'
import { type KeptExamples, keptExamples } from './kept-examples.ts'
import { createPausing } from './pausing.ts'
import type { Manifest } from '../../../shared/trust/manifest.ts'
import type { Trainer } from './trainer.ts'
import { createTrainingShare } from './training-share.ts'

/** Training on this device: the examples that it keeps, and its part in rounds. */
export type Training = Pick<KeptExamples, 'count'> & {
  /** Whether this page trains now. */
  readonly active: boolean
  /** An answer took so long: training leaves the machine to answers that suffer from it. */
  answered(ms: number): void
  /** Keeps an answer's input under its right label where the person agreed to that. */
  keep(model: string, id: string, answer: RecentAnswer, label: string): Promise<boolean>
  /** `runs` is the manifest of the version that answers now, where there is one. */
  contribute(model: string, options: ContributeOptions, runs: Manifest | undefined): Promise<Contribution>
  /** Lets the training of a model's contribution rest, or go on. Resolves when it does; false where none is under way. */
  pause(model: string, paused: boolean): Promise<boolean>
  /** The person does not agree any more: what was kept is deleted, and training under way ends. */
  refuse(): Promise<void>
  /** Ends training under way: the page goes. */
  stop(): void
}

const LOCK = 'shoal:training'

export function createTraining(
  context: Pick<DeviceContext, 'storage' | 'locks' | 'clock'>,
  trainer: Trainer | undefined,
  whole: () => DeviceContext,
): Training {
  const kept = keptExamples(context)
  const sharing = createTrainingShare()
  const running = new Map<AbortController, { readonly model: string; readonly pausing: ReturnType<typeof createPausing> }>()
  const refused = (code: AppError['code'], why: string): Contribution => ({ outcome: 'refused', code, why })
  const endAll = (why: AppError): void => {
    for (const controller of running.keys()) controller.abort(why)
  }

  async function begin(
    device: DeviceContext,
    model: string,
    { onProgress = () => {}, signal }: ContributeOptions,
    runs: Manifest | undefined,
  ): Promise<Contribution> {
    if (trainer === undefined) return refused('unavailable', 'nothing on this device can train')
    const examples = await kept.read(model)
    if (examples.length === 0) {
      // of what cannot be trained no examples are kept, so that there will never be any
      const untrainable = runs && whyUntrainable(runs)
      if (untrainable !== undefined) return refused('unsupported_op', untrainable)
      return refused('invalid_input', 'there are no labelled examples on this device yet')
    }
    const own = new AbortController()
    const pausing = createPausing()
    running.set(own, { model, pausing })
    const either = signal === undefined ? own.signal : AbortSignal.any([signal, own.signal])
    try {
      either.throwIfAborted()
      // asked again: it may have been withdrawn while the examples were read
      if (!device.consent.training) throw new AppError('forbidden', 'the person has not agreed to training')
      const share = () => sharing.share(context.clock.monotonic())
      return await takePart(device, { model, trainer, examples, onProgress, share, pausing, signal: either })
    } catch (thrown) {
      if (signal?.aborted) throw new AppError('aborted', 'the contribution was aborted', { cause: signal.reason })
      const error = toAppError(own.signal.aborted ? own.signal.reason : thrown)
      if (error.code === 'aborted' || error.code === 'internal') throw error
      device.note(error)
      return refused(error.code, error.detail)
    } finally {
      running.delete(own)
    }
  }

  return {
    answered: (ms) =>
      sharing.answered(
        ms,
        [...running.values()].some(({ pausing }) => !pausing.paused),
        context.clock.monotonic(),
      ),
    get active() {
      return running.size > 0
    },
    count: (model) => kept.count(model),
    keep: async (model, id, answer, label) => whole().consent.training && kept.keep(model, id, answer, label),
    async contribute(model, options, runs) {
      const device = whole()
      if (!device.consent.training) return refused('forbidden', 'the person has not agreed to training')
      const contribution = await device.locks.tryHold(LOCK, () => begin(device, model, options, runs))
      return contribution ?? refused('conflict', 'this device is training already, here or in another tab')
    },
    async pause(model, paused) {
      const own = [...running.values()].filter((one) => one.model === model)
      await Promise.all(own.map(({ pausing }) => pausing.set(paused)))
      return own.length > 0
    },
    async refuse() {
      endAll(new AppError('forbidden', 'the person does not agree to training any more'))
      await kept.discard()
    },
    stop: () => endAll(new AppError('aborted', 'this device has been disposed of')),
  }
}
