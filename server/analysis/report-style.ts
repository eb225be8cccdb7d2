/** The report's only style sheet: one column on a phone, light and dark by the reader's own setting. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --text: light-dark(#17202a, #e6ebf0); --quiet: light-dark(#5a6672, #9aa6b2); --page: light-dark(#f5f7f9, #11161b);
  --card: light-dark(#fff, #1a2128); --line: light-dark(#dce2e8, #2d3741); --bar: light-dark(#1f6f8b, #5db4d0); --rest: light-dark(#b4bfc9, #4a5662);
  --error: light-dark(#b3261e, #ff8a80); --warning: light-dark(#9a6700, #e3b341); --good: light-dark(#1a7f37, #56d364) }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem); max-width: 76rem; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
h1 { margin: 0 0 1rem; font-size: 1.6rem; overflow-wrap: anywhere }
h2 { margin: 2rem 0 .75rem; font-size: 1.15rem }
h3 { margin: 0 0 .75rem; font-size: 1rem; overflow-wrap: anywhere }
p { margin: 0 }
.quiet, dt, figcaption { color: var(--quiet); font-size: .875rem }
dl, dd, figure { margin: 0 }
.summary { display: flex; flex-wrap: wrap; gap: .5rem 2rem }
.summary dd { font-weight: 600; overflow-wrap: anywhere }
.cards { display: grid; gap: 1rem; grid-auto-flow: dense; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)) }
article, .notes li, details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem }
article { display: flex; flex-direction: column; min-width: 0 }
article:has(.parts) { grid-column: 1 / -1 }
article dl { margin-top: auto; padding-top: .75rem }
article dl div { display: flex; justify-content: space-between; gap: 1rem; font-size: .875rem }
article dd { text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
.tag { padding: .1rem .45rem; border: 1px solid var(--line); border-radius: 1rem; color: var(--quiet); font-size: .75rem; font-weight: 400 }
.tag.label { border-color: var(--bar); color: var(--bar) }
.tag.fault { border-color: var(--error); color: var(--error) }
.notes { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); margin: 0; padding: 0; list-style: none }
.notes li { padding: .6rem .9rem; border-left: 4px solid var(--line); overflow-wrap: anywhere; min-width: 0 }
.notes h3 { margin: 0 } .notes p { font-size: .9375rem } .notes p + p { margin-top: .35rem }
.notes .error { border-left-color: var(--error) } .notes .error strong { color: var(--error) }
.examples { margin: .25rem 0 0; padding: 0; list-style: none; font-size: .875rem; overflow-wrap: anywhere }
.examples li { padding: .25rem 0; border-bottom: 1px solid var(--line) }
a { color: inherit; text-decoration-color: var(--bar); text-underline-offset: .2em } a:focus-visible, summary:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px }
article { scroll-margin-top: 1rem } article:target { outline: 2px solid var(--bar) }
summary { cursor: pointer } details[open] summary { margin-bottom: .75rem }
.notes .warning { border-left-color: var(--warning) }
.good { color: var(--good) }
code { font: .8125rem ui-monospace, monospace; overflow-wrap: anywhere }
.parts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); margin-top: .5rem }
svg { display: block; width: 100%; height: auto; font-size: 12px }
svg text { fill: var(--text) } .bar rect { fill: var(--bar) } .rest rect { fill: var(--rest) } .axis { stroke: var(--line) }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: .875rem } th, td { vertical-align: top; padding: .25rem .75rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line) }
footer { margin-top: 2rem }
@media print { article, .notes li { break-inside: avoid } }
`
