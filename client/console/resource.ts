import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type AppError, toAppError } from '../../shared/core/errors.ts'
import { type LiveEvent, onLiveEvent } from './live.ts'

export type Resource<T> = {
  /** The latest answer; the one before stays while a new one is on its way. */
  readonly data: T | undefined
  readonly error: AppError | undefined
  readonly reload: () => void
}

/** Events come in bursts; one fetch answers them all. */
const GATHER_MS = 300

/**
 * Fetches when `key` changes, again when `refreshOn` says that an event concerns it, and after a gap in the event stream. An answer that comes after
 * the key has changed is dropped.
 */
export function useResource<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  refreshOn: (event: LiveEvent) => boolean = () => false,
): Resource<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: AppError }>({ key })
  const latest = useRef({ load, refreshOn })
  latest.current = { load, refreshOn }
  const running = useRef<AbortController>(undefined)

  const reload = useCallback(() => {
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    latest.current.load(controller.signal).then(
      (data) => controller.signal.aborted || setState({ key, data }),
      (thrown: unknown) => {
        if (controller.signal.aborted) return
        setState((now) => (now.key === key ? { ...now, error: toAppError(thrown) } : { key, error: toAppError(thrown) }))
      },
    )
  }, [key])

  useEffect(() => {
    reload()
    let timer: ReturnType<typeof setTimeout> | undefined
    const end = onLiveEvent((event) => {
      if (event !== 'reconnected' && !latest.current.refreshOn(event)) return
      timer ??= setTimeout(() => {
        timer = undefined
        reload()
      }, GATHER_MS)
    })
    return () => {
      end()
      clearTimeout(timer)
      running.current?.abort()
    }
  }, [reload])

  return state.key === key ? { data: state.data, error: state.error, reload } : { data: undefined, error: undefined, reload }
}

/** Whether an event's type begins with one of these. */
export const ofType =
  (...types: readonly string[]) =>
  (event: LiveEvent): boolean =>
    types.some((type) => event.type === type || event.type.startsWith(`${type}.`))
