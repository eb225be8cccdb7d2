/** How far something is. `done` and `total` in any one unit; without a total the bar only shows that something happens. */
export function Progress({ label, done, total }: { label: string; done?: number; total?: number }) {
  const known = done !== undefined && total !== undefined && total > 0
  const share = known ? Math.min(1, Math.max(0, done / total)) : 0
  return (
    <div
      class={known ? 'progress' : 'progress progress-unknown'}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={known ? Math.round(share * 100) : undefined}
    >
      <div class="progress-fill" style={known ? { width: `${share * 100}%` } : {}} />
    </div>
  )
}
