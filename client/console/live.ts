import { signal } from '@preact/signals'
import * as z from 'zod/mini'
import { ROUTES } from '../../shared/contract/routes.ts'
import { systemClock } from '../../shared/core/clock.ts'
import { toAppError } from '../../shared/core/errors.ts'
import { eventSourceText } from './event-source-text.ts'
import { api } from './session.ts'

const eventSchema = ROUTES['events.listen'].reply.schema
export type LiveEvent = z.output<typeof eventSchema>

/** Whether the page hears of changes as they happen. */
export const liveState = signal<'connecting' | 'live' | 'lost'>('connecting')

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 15_000

const listeners = new Set<(event: LiveEvent | 'reconnected') => void>()

/** Hears every event, and `reconnected` after a gap in which some may have been missed. Gives back what ends it. */
export function onLiveEvent(listener: (event: LiveEvent | 'reconnected') => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

const tell = (event: LiveEvent | 'reconnected') => {
  for (const listener of [...listeners]) listener(event)
}

/** Listens to GET /v1/events (fetch, since EventSource cannot send a key) until the signal ends it; connects anew after a growing pause. */
export async function listen(signal: AbortSignal): Promise<void> {
  let pause = FIRST_RETRY_MS
  let before = false
  while (!signal.aborted) {
    try {
      const response = await api('events.listen', {}, { signal })
      liveState.value = 'live'
      pause = FIRST_RETRY_MS
      if (before) tell('reconnected')
      before = true
      await read(response, signal)
    } catch (thrown) {
      if (signal.aborted) return
      if (!toAppError(thrown).retryable) console.warn(thrown)
    }
    if (signal.aborted) return
    liveState.value = 'lost'
    await systemClock.sleep(pause, signal).catch(() => {})
    pause = Math.min(LAST_RETRY_MS, pause * 2)
  }
}

async function read(response: Response, signal: AbortSignal): Promise<void> {
  const take = eventSourceText()
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  while (reader && !signal.aborted) {
    const { done, value } = await reader.read()
    if (done) return
    for (const text of take(value)) {
      const event = z.safeParse(eventSchema, parsed(text))
      if (event.success) tell(event.data)
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
