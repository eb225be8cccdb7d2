import { expect, onTestFinished, test } from 'vitest'
import type { Analysis } from '../../../server/analysis/analyse-file.ts'
import { reportHtml } from '../../../server/analysis/report-html.ts'
import { inferSchema } from '../../../shared/data/infer-schema.ts'
import { statisticsOfBatch } from '../../../shared/data/statistics.ts'
import { suggestPreparation } from '../../../shared/data/suggestions.ts'

const HOSTILE = `"'></title></style><script>parent.ran = true</script><img src=x onerror="parent.ran = true">`

function analysisOf(): Analysis {
  const rows = Array.from({ length: 200 }, (_, at) => at)
  const statistics = statisticsOfBatch({
    [HOSTILE]: rows.map((at) => (at % 2 === 0 ? HOSTILE : 'plain')),
    [`${'long'.repeat(30)}`]: rows.map((at) => at * 1.37e7),
    when: rows.map((at) => new Date(1.7e12 + at * 3.6e6)),
    digit: { kind: 'images', height: 8, width: 8, channels: 1, pixels: Uint8Array.from({ length: 200 * 64 }, (_, at) => (at * 31) % 256) },
    empty: rows.map(() => null),
    wide: rows.map(
      (at) =>
        ['W'.repeat(30), 'MAXIMUM TAKE-OFF WEIGHT', '最大離陸重量の合計値です', 'KLM Royal Dutch Airlines', 'illicit fill'][at % 5] ?? '',
    ),
  })
  const [file, schema] = [`${'path'.repeat(40)}${HOSTILE}.csv`, inferSchema(statistics)]
  return {
    file,
    format: 'csv',
    bytes: 1,
    label: null,
    statistics,
    schema,
    suggestions: suggestPreparation(statistics),
    anomalies: [],
    mixed: [],
  }
}

test('[DAT-16] in a browser as wide as a phone nothing runs, nothing is cut off, and names stand as they are', async () => {
  const frame = document.createElement('iframe')
  onTestFinished(() => frame.remove())
  frame.style.width = '360px'
  frame.style.height = '700px'
  frame.srcdoc = reportHtml(analysisOf())
  await new Promise((resolve) => {
    frame.addEventListener('load', resolve)
    document.body.append(frame)
  })
  const page = frame.contentDocument
  expect('ran' in globalThis).toBe(false)
  expect(page?.querySelectorAll('script, img, link, iframe')).toHaveLength(0)
  expect(page?.querySelector('article h3')?.firstChild?.textContent?.trim()).toBe(HOSTILE)
  expect(page?.documentElement.scrollWidth).toBeLessThanOrEqual(360)
  // a histogram of numbers, one of moments, eight of the image; bars of two texts; names of any letters are whole at their beginning
  expect(page?.querySelectorAll('article svg')).toHaveLength(12)
  for (const text of page?.querySelectorAll('svg text') ?? []) expect((text as SVGTextElement).getBBox().x).toBeGreaterThanOrEqual(0)
  for (const bar of page?.querySelectorAll('rect') ?? []) expect(Number(bar.getAttribute('height'))).toBeGreaterThanOrEqual(0)
})
