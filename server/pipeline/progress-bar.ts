import { Presets, SingleBar } from 'cli-progress'
import type { Json, JsonObject } from '../../shared/core/json.ts'
import type { EventBus, ServerEvent } from '../events.ts'

export type ShowProgressOptions = {
  readonly events: EventBus
  readonly run: string
  /** Names of the steps, in order. */
  readonly steps: readonly string[]
  /** Those that have ended already, where a run goes on. */
  readonly done?: readonly string[]
  readonly output: NodeJS.WriteStream
}

const field = (data: Json, name: string): Json | undefined => (data as JsonObject)[name]
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const number = (value: Json | undefined): number => (typeof value === 'number' ? value : 0)

const ENDED = new Set(['succeeded', 'cached', 'failed', 'stopped', 'skipped', 'cancelled'])

/**
 * Shows a run in the terminal until it ends: one bar over all steps with the running one's name and progress; plain lines, one for each step's end, where the output is not a
 * terminal. Resolves with the run's state.
 */
export function showProgress({ events, run, steps, done = [], output }: ShowProgressOptions): Promise<string> {
  const width = Math.max(...steps.map((name) => name.length))
  const bar = output.isTTY
    ? new SingleBar(
        {
          format: `  {bar} {percentage}%  {step}  {note}`,
          stream: output,
          hideCursor: true,
          clearOnComplete: false,
          barsize: 24,
          etaBuffer: 50,
        },
        Presets.shades_classic,
      )
    : undefined
  bar?.start(steps.length, done.length, { step: ''.padEnd(width), note: '' })
  const ended = new Set<string>(done)
  const parts = new Map<string, number>()

  const draw = (step: string, note: string): void => {
    const within = [...parts].reduce((sum, [name, part]) => sum + (ended.has(name) ? 0 : part), 0)
    bar?.update(ended.size + within, { step: step.padEnd(width), note })
  }

  return new Promise((resolve) => {
    const unsubscribe = events.subscribe(({ type, data }: ServerEvent) => {
      if ((type !== 'run.progress' && type !== 'run.changed') || field(data, 'run') !== run) return
      const step = text(field(data, 'step'))
      if (type === 'run.progress') {
        const total = number(field(data, 'total'))
        parts.set(step, total > 0 ? Math.min(1, number(field(data, 'done')) / total) : 0)
        return draw(step, text(field(data, 'note')))
      }
      const state = text(field(data, 'state'))
      if (step !== '') {
        if (ENDED.has(state)) {
          ended.add(step)
          if (bar === undefined) output.write(`  ${step.padEnd(width)} ${state}\n`)
        }
        return draw(step, state)
      }
      if (!ENDED.has(state)) return
      unsubscribe()
      bar?.stop()
      resolve(state)
    })
  })
}
