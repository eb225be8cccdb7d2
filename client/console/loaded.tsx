import type { ComponentChildren } from 'preact'
import { ErrorNotice, Loading } from '../ui/states.tsx'
import type { Resource } from './resource.ts'

/** The three faces of something fetched: not there yet, failed, there. A failed refresh keeps what was there and says so. */
export function Loaded<T>({
  resource,
  lines = 4,
  children,
}: {
  resource: Resource<T>
  lines?: number
  children: (data: T) => ComponentChildren
}) {
  const { data, error, reload } = resource
  if (data === undefined) return error === undefined ? <Loading lines={lines} /> : <ErrorNotice error={error} onRetry={reload} />
  return (
    <>
      {error === undefined ? null : <ErrorNotice error={error} onRetry={reload} />}
      {children(data)}
    </>
  )
}
