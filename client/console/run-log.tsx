import { useEffect, useRef, useState } from 'preact/hooks'
import type { RouteReply } from '../../shared/contract/route.ts'
import type { Routes } from '../../shared/contract/routes.ts'
import { type AppError, toAppError } from '../../shared/core/errors.ts'
import { Card } from '../ui/card.tsx'
import { Empty, ErrorNotice, Loading } from '../ui/states.tsx'
import { clockText } from '../ui/value-text.ts'
import { onLiveEvent } from './live.ts'
import { api } from './session.ts'

type Line = RouteReply<Routes['runs.logs']>['items'][number]

const PAGE_LINES = '500'
/** Older ones are dropped from the page, not from the server. */
const MAX_LINES = 5000
const GATHER_MS = 400

/** Log lines of a run. Follows the end until one scrolls up; follows again at the bottom. */
export function RunLog({ run, steps, live }: { run: string; steps: readonly string[]; live: boolean }) {
  const [step, setStep] = useState('')
  const [lines, setLines] = useState<readonly Line[]>()
  const [error, setError] = useState<AppError>()
  const [follow, setFollow] = useState(true)
  const box = useRef<HTMLDivElement>(null)

  useEffect(() => {
    const controller = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let seen: readonly Line[] = []
    let cursor: string | undefined
    let reading = false
    let again = false
    // the cursor of the last page that was full is kept, so that new lines are read without the old ones
    const read = async (): Promise<void> => {
      if (reading) {
        again = true
        return
      }
      reading = true
      try {
        do {
          again = false
          for (;;) {
            const query = { limit: PAGE_LINES, ...(cursor === undefined ? {} : { cursor }), ...(step === '' ? {} : { step }) }
            const page = await api('runs.logs', { params: { run }, query }, { signal: controller.signal })
            const last = seen.at(-1)?.seq ?? -1
            seen = [...seen, ...page.items.filter((line) => line.seq > last)].slice(-MAX_LINES)
            if (page.next === null) break
            cursor = page.next
          }
          setLines(seen)
          setError(undefined)
        } while (again)
      } catch (thrown) {
        if (!controller.signal.aborted) setError(toAppError(thrown))
      } finally {
        reading = false
      }
    }
    setLines(undefined)
    void read()
    const end = onLiveEvent((event) => {
      if (event !== 'reconnected' && !event.type.startsWith('run.')) return
      timer ??= setTimeout(() => {
        timer = undefined
        void read()
      }, GATHER_MS)
    })
    return () => {
      end()
      clearTimeout(timer)
      controller.abort()
    }
  }, [run, step])

  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [lines, follow])

  return (
    <Card
      title="Log"
      actions={
        <>
          <label class="check small">
            <input type="checkbox" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />
            <span>Follow</span>
          </label>
          <select
            class="select"
            aria-label="Step whose lines are shown"
            value={step}
            onChange={(event) => setStep(event.currentTarget.value)}
          >
            <option value="">All steps</option>
            {steps.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </>
      }
    >
      {error === undefined ? null : <ErrorNotice error={error} />}
      {lines === undefined ? (
        error === undefined ? (
          <Loading lines={5} />
        ) : null
      ) : lines.length === 0 ? (
        <Empty title={live ? 'Nothing logged yet' : 'Nothing was logged'} />
      ) : (
        <div
          ref={box}
          class="log"
          tabIndex={0}
          role="log"
          aria-label="Log lines"
          onScroll={(event) => {
            const { scrollTop, clientHeight, scrollHeight } = event.currentTarget
            const atEnd = scrollTop + clientHeight > scrollHeight - 24
            if (atEnd !== follow) setFollow(atEnd)
          }}
        >
          {lines.map((line) => (
            <div key={line.seq} class={`log-line log-${line.level}`}>
              <time dateTime={new Date(line.at).toISOString()}>{clockText(line.at)}</time>
              <span class="log-step">{line.step ?? 'run'}</span>
              <span class="log-message">{line.message}</span>
            </div>
          ))}
        </div>
      )}
    </Card>
  )
}
