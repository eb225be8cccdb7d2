/** A small line without axes; gaps where the value is null. Scaled to its own smallest and largest value. */
export function Sparkline({
  label,
  values,
  width = 120,
  height = 28,
}: {
  label: string
  values: readonly (number | null)[]
  width?: number
  height?: number
}) {
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return <span class="muted">–</span>
  const low = Math.min(...known)
  const span = Math.max(...known) - low || 1
  const x = (at: number) => 3 + (values.length === 1 ? 0 : (at / (values.length - 1)) * (width - 6))
  const y = (value: number) => height - 3 - ((value - low) / span) * (height - 6)
  let path = ''
  let pen = 'M'
  for (const [at, value] of values.entries()) {
    if (value === null) pen = 'M'
    else {
      path += `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`
      pen = 'L'
    }
  }
  const last = values.findLastIndex((value) => value !== null)
  return (
    <svg class="sparkline" width={width} height={height} role="img" aria-label={label}>
      <path d={path} />
      <circle cx={x(last)} cy={y(values[last] ?? low)} r="2.2" />
    </svg>
  )
}
