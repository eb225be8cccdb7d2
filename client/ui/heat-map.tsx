import { countText } from './value-text.ts'

type HeatMapProps = {
  readonly label: string
  /** Names of the classes: rows are what was true, columns what was answered. */
  readonly classes: readonly string[]
  /** counts[true][answered]. */
  readonly counts: readonly (readonly number[])[]
}

/** A confusion matrix as a table. The right answers are shaded green, mistakes red, each by its share of its row; the numbers are the content. */
export function HeatMap({ label, classes, counts }: HeatMapProps) {
  return (
    <div class="heat" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">true ↓ answered →</th>
            {classes.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {counts.map((row, truth) => {
            const sum = row.reduce((total, count) => total + count, 0)
            return (
              <tr key={classes[truth]}>
                <th scope="row">{classes[truth]}</th>
                {row.map((count, answered) => (
                  <td key={classes[answered]} style={count === 0 ? {} : { background: shade(truth === answered, count / sum) }}>
                    {count === 0 ? <span class="muted">0</span> : countText(count)}
                  </td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

/** At most a third of the colour, so that the number keeps its contrast. A mistake of 3 % of a row is already fully red: mistakes are rare. */
const shade = (right: boolean, share: number): string =>
  right
    ? `color-mix(in oklab, var(--good) ${Math.round(8 + share * 22)}%, transparent)`
    : `color-mix(in oklab, var(--bad) ${Math.round(6 + Math.min(1, share / 0.03) * 26)}%, transparent)`
