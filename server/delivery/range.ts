/** Which bytes of a body of `size` bytes a Range header asks for (RFC 9110, 14): both ends included. */
export type RangeChoice =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' }

const SINGLE = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/

/** A header of another form, or one that asks for several ranges, gets the whole body, as the RFC allows. */
export function chooseRange(header: string | null, size: number): RangeChoice {
  const match = header === null ? null : SINGLE.exec(header.replace(/\s/g, ''))
  if (!match) return { kind: 'whole' }
  const [, from, to, suffix] = match
  if (suffix !== undefined) {
    const length = Number(suffix)
    return length === 0 || size === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', start: Math.max(0, size - length), end: size - 1 }
  }
  const start = Number(from)
  const end = to === '' || to === undefined ? size - 1 : Math.min(Number(to), size - 1)
  if (to !== '' && Number(to) < start) return { kind: 'whole' }
  return start >= size ? { kind: 'unsatisfiable' } : { kind: 'part', start, end }
}
