import { afterAll, expect, test } from 'vitest'
import { html } from '../../../server/analysis/html.ts'
import { reportHtml } from '../../../server/analysis/report-html.ts'
import { createFiles } from './files.ts'

const files = createFiles()
afterAll(files.remove)

const HOSTILE = `</style></title><script>alert(1)</script>`

/** Every start tag of a document, with what stands in it. */
const tagsOf = (document: string): string[] => [...document.matchAll(/<[a-zA-Z][^>]*>/g)].map(([tag]) => tag)

test('[DAT-16] a value becomes markup only where it was made as markup', () => {
  expect(html`<b title="${`"&'`}">${'<i>'}${html`<u>${1}</u>`}${[html`x`, html`y`]}</b>`.markup).toBe(
    '<b title="&quot;&amp;&#39;">&lt;i&gt;<u>1</u>xy</b>',
  )
  expect(html`${'a\u202eb\u0000c\ud800'}`.markup).toBe('a\ufffdb\ufffdc\ufffd')
})

test('[DAT-16] names and values that are markup stay text; nothing is loaded and nothing runs', async () => {
  const rows = Array.from({ length: 40 }, (_, at) => `"<img src=x onerror=alert(${at % 3})>",${at},${at % 2}`).join('\n')
  const analysis = await files.analyse('<b>.csv', `"${HOSTILE}",n,"x"" onload=""alert(1)"\n${rows}\n`, {
    label: HOSTILE,
    schema: { environments: ['TRAINING'], features: [{ name: 'n', type: 'string' }] },
  })
  const report = reportHtml(analysis)
  const allowed = new Set(
    'html head meta title style body header main footer section article h1 h2 h3 p dl div dt dd ul li strong code span br svg g rect path text a details summary table thead tbody tr th td'.split(
      ' ',
    ),
  )
  const tags = tagsOf(report)
  expect(tags.filter((tag) => !allowed.has(/^<(\w+)/.exec(tag)?.[1] ?? ''))).toEqual([])
  // links lead within the document
  const loading = tags.filter((tag) => /\s(on\w+|src|href|style)\s*=/.test(tag.replace(/"[^"]*"/g, '""')))
  expect(loading.filter((tag) => !/^<a href="#f\d+">$/.test(tag))).toEqual([])
  expect(report).not.toMatch(/https?:|@import|url\(/)
  expect(report).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(report).toContain("default-src 'none'")
  expect(report).toContain('UNEXPECTED_DATA_TYPE')
})

test('[DAT-16] each feature has its chart: a histogram of numbers, bars of values', async () => {
  const rows = Array.from({ length: 100 }, (_, at) => `${at / 3},${at % 4 === 0 ? 'rare' : 'often'}`).join('\n')
  const report = reportHtml(await files.analyse('charts.csv', `number,word\n${rows}\n`))
  expect(report.match(/<svg /g)).toHaveLength(2)
  const histogram = /Histogram from 0 to 33">[^]*?<\/svg>/.exec(report)?.[0] ?? ''
  expect(histogram.match(/<rect /g)).toHaveLength(32)
  const bars = [...report.matchAll(/<title>(\w+): ([\d.]+) %<\/title>/g)].map(([, name, share]) => `${name} ${share}`)
  expect(bars).toEqual(['often 75', 'rare 25'])
})

test('[DAT-16] of very many features some are drawn and all are named', async () => {
  const names = Array.from({ length: 320 }, (_, at) => `c${at}`)
  const report = reportHtml(await files.analyse('many.csv', `${names.join(',')}\n${names.map((_, at) => at).join(',')}\n`))
  expect(report.match(/<article /g)).toHaveLength(300)
  expect(names.filter((name) => !report.includes(`>${name}<`) && !report.includes(`>${name} <`))).toEqual([])
})

test('[DAT-16] what was found stands by feature and leads to its card; the schema is in words', async () => {
  const rows = Array.from({ length: 400 }, (_, at) => `${at},${at % 7 === 0 ? '' : at % 3},${['sun', 'rain'][at % 2]}`)
  const report = reportHtml(
    await files.analyse('found.csv', `key,n,sky\n${rows.join('\n')}\n`, {
      schema: {
        environments: ['TRAINING'],
        features: [
          { name: 'key', type: 'int' },
          { name: 'n', type: 'int', presence: { minFraction: 1, minCount: 1 } },
          { name: 'sky', type: 'string', domain: { kind: 'values', values: ['sun'], minMass: 1 } },
          { name: 'gone', type: 'int', presence: { minFraction: 1, minCount: 1 } },
        ],
      },
    }),
  )
  const part = (title: string) => new RegExp(`<h2>${title}[^]*?</section>`).exec(report)?.[0] ?? ''
  const found = part('Against the schema')
  expect(found).toContain('ENUM_TYPE_UNEXPECTED_STRING_VALUES')
  expect(found).toContain('<h3>gone</h3>')
  for (const [name, text] of [
    ['sky', found],
    ['key', part('Suggestions')],
  ] as const) {
    const [, place] = new RegExp(`<a href="#(f\\d+)">${name}</a>`).exec(text) ?? []
    expect(report).toContain(`<article id="${place}"><h3>${name} `)
  }
  const schema = [...part('Inferred schema').matchAll(/<tr>(<td>.*?)<\/tr>/g)].map(([, row]) => row?.split('<td>').slice(1))
  expect(schema).toEqual([
    ['key', 'int', 'always', 'any'],
    ['n', 'int', 'may be missing', 'any'],
    ['sky', 'string', 'always', 'rain, sun'],
  ])
})

test('[DAT-16] texts that hardly repeat are shown as examples, not as bars of one row each', async () => {
  const rows = Array.from({ length: 300 }, (_, at) => `remark ${at} of many,${at % 20}`)
  const report = reportHtml(await files.analyse('texts.csv', `remark,word\n${rows.map((row) => `${row}x`).join('\n')}\n`))
  expect(report.match(/<svg /g)).toHaveLength(1)
  expect(report.match(/<li>remark \d+ of many<\/li>/g)).toHaveLength(3)
  // the first five of twenty, and the rest
  expect(report.match(/<title>[^<]*: [\d.]+ %<\/title>/g)).toHaveLength(6)
  expect(report).toContain('15 others: 75 %')
})
