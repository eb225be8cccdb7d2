import { useEffect, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import type { PlotSeries, PlotThreshold } from './plot-options.ts'
import { colorOf, schemeChanges } from './theme.tsx'
import { dayTimeText, numberText } from './value-text.ts'

export type TimeSeriesProps = {
  readonly label: string
  /** Epoch milliseconds, growing. */
  readonly times: readonly number[]
  readonly series: readonly PlotSeries[]
  readonly thresholds?: readonly PlotThreshold[]
  /** Fixed range of the vertical axis; by default what the values need. */
  readonly range?: readonly [number, number]
  readonly format?: (value: number) => string
  readonly height?: number
}

/**
 * Lines over time (uPlot, loaded when first needed), with bands and thresholds. The readout below names each series and follows the pointer; without a
 * pointer it gives the latest values. The same numbers stand in a table that opens on demand.
 */
export function TimeSeries({ label, times, series, thresholds = [], range, format = numberText, height = 220 }: TimeSeriesProps) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const [at, setAt] = useState<number | null>(null)
  const scheme = schemeChanges.value
  const shape = JSON.stringify([series.map(({ name, color, dashed }) => [name, color, dashed]), thresholds, range, height, scheme])

  // one plot per shape; new numbers only move its data
  useEffect(() => {
    const element = host.current
    if (element === null) return
    let gone = false
    let observer: ResizeObserver | undefined
    void import('./plot-options.ts').then(({ createPlot, plotData }) => {
      if (gone) return
      plot.current = createPlot({
        element,
        width: element.clientWidth,
        height,
        data: plotData(times, series),
        series,
        thresholds,
        range,
        format,
        colorOf,
        onPoint: setAt,
      })
      observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }))
      observer.observe(element)
    })
    return () => {
      gone = true
      observer?.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [shape])

  useEffect(() => {
    void import('./plot-options.ts').then(({ plotData }) => plot.current?.setData(plotData(times, series)))
  }, [times, series])

  const shown = at ?? times.length - 1
  const shownTime = times[shown]
  return (
    <figure class="plot" aria-label={label}>
      <div ref={host} style={{ minHeight: `${height}px` }} aria-hidden="true" />
      <figcaption class="plot-legend">
        {series.map(({ name, color, values }) => {
          const value = values[shown]
          return (
            <span key={name} class="plot-key">
              <span class="plot-swatch" style={{ background: `var(${color})` }} aria-hidden="true" />
              {name} <span class="plot-readout">{value === null || value === undefined ? '–' : format(value)}</span>
            </span>
          )
        })}
        {thresholds.map((threshold) => (
          <span key={threshold.name} class="plot-key">
            <span class="plot-swatch" style={{ background: `var(${threshold.color})` }} aria-hidden="true" />
            {threshold.name} <span class="plot-readout">{format(threshold.value)}</span>
          </span>
        ))}
        {shownTime === undefined ? null : <span class="numeric">{dayTimeText(shownTime)}</span>}
      </figcaption>
      <details class="small">
        <summary class="muted">Numbers</summary>
        <div
          class="table-wrap"
          role="region"
          aria-label={`${label}: numbers`}
          tabIndex={0}
          style={{ maxHeight: '240px', margin: 0, padding: 0 }}
        >
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Time</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col" class="right">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.map((time, row) => (
                <tr key={time}>
                  <td class="numeric">{dayTimeText(time)}</td>
                  {series.map(({ name, values }) => {
                    const value = values[row]
                    return (
                      <td key={name} class="right numeric">
                        {value === null || value === undefined ? '–' : format(value)}
                      </td>
                    )
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  )
}
