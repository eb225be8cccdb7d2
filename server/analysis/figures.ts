/** A number with as many digits as a reader needs. */
export function figure(x: number): string {
  if (!Number.isFinite(x)) return String(x)
  if (Number.isInteger(x) && Math.abs(x) < 1e15) return String(x)
  const size = Math.abs(x)
  return size >= 1e6 || (size > 0 && size < 1e-3) ? x.toExponential(2) : String(Number(x.toPrecision(4)))
}

export const percent = (share: number): string => `${share > 0 && share < 0.001 ? '< 0.1' : Number((100 * share).toPrecision(3))} %`

/** Epoch milliseconds as a day, with the time of day where there is one. */
export function moment(at: number): string {
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) return String(at)
  const [day = '', time = ''] = new Date(at).toISOString().split('T')
  return time.startsWith('00:00:00.000') ? day : `${day} ${time.slice(0, 8)}`
}

/** A text that fits its place. */
export const short = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text)
