import { ERROR_CODES, ERRORS } from '../core/errors.ts'
import { exampleOf } from './example.ts'
import { type JsonSchema, jsonSchemaOf } from './json-schema.ts'
import { errorsOf, type Route } from './route.ts'
import { ROUTES } from './routes.ts'

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const anchor = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
const code = (text: string): string => `<code>${escape(text)}</code>`

/** The API as a page for people: one file, no scripts, nothing from elsewhere. */
export function docsPage({ version }: { readonly version: string }): string {
  const routes = Object.entries(ROUTES as Record<string, Route>)
  const groups = [...Map.groupBy(routes, ([, route]) => route.tag)].sort(([a], [b]) => a.localeCompare(b))
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Shoal API</title><link rel="icon" href="/icon.svg" type="image/svg+xml"><style>${STYLE}</style></head>
<body>
<nav aria-label="Contents"><a class="home" href="/docs">Shoal API <small>${escape(version)}</small></a>
<a href="#scopes">Keys and scopes</a><a href="#requests">Requests</a><a href="#errors">Errors</a>
${groups.map(([tag, members]) => `<h2>${escape(tag)}</h2>${members.map(([name, route]) => `<a href="#${anchor(name)}"><b class="${route.method}">${route.method}</b> ${escape(route.summary)}</a>`).join('')}`).join('\n')}
</nav>
<main>
<h1>Shoal API</h1>
<p>${routes.length} operations. The same as a document for programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
${INTRODUCTION}
${groups.map(([tag, members]) => `<section aria-labelledby="tag-${anchor(tag)}"><h2 id="tag-${anchor(tag)}">${escape(tag)}</h2>${members.map(([name, route]) => operation(name, route)).join('\n')}</section>`).join('\n')}
${errorCatalogue(routes)}
</main>
</body>
</html>
`
}

function operation(name: string, route: Route): string {
  const fields = [
    ['Scope', `<span class="scope">${escape(route.scope)}</span>`],
    ...(route.idempotent ? [['Retries', `takes an ${code('Idempotency-Key')}`]] : []),
    ...(route.cache ? [['Cache', escape(route.cache)]] : []),
    [
      'Errors',
      errorsOf(route)
        .map((error) => `<a href="#error-${anchor(error)}">${code(error)}</a>`)
        .join(' '),
    ],
  ]
  return `<article id="${anchor(name)}">
<h3><a href="#${anchor(name)}"><b class="${route.method}">${route.method}</b> ${code(route.path)}</a></h3>
<p><strong>${escape(route.summary)}.</strong> ${escape(route.description ?? '')}</p>
<dl>${fields.map(([term, text]) => `<dt>${term}</dt><dd>${text}</dd>`).join('')}</dl>
${parameterTable(route)}
<pre>${escape(curl(route))}</pre>
${replyOf(route)}
</article>`
}

function parameterTable(route: Route): string {
  const rows: string[] = []
  const row = (place: string, name: string, schema: JsonSchema, required: boolean): void => {
    rows.push(`<tr><td>${place}</td><td>${code(name)}${required ? '' : ' <i>optional</i>'}</td><td>${escape(describe(schema))}</td></tr>`)
  }
  for (const [place, schema] of [
    ['path', route.params],
    ['query', route.query],
    ['body', route.body?.kind === 'json' ? route.body.schema : undefined],
  ] as const) {
    if (!schema) continue
    const { properties = {}, required = [] } = jsonSchemaOf(schema, 'input')
    for (const [name, member] of Object.entries(properties)) row(place, name, member, required.includes(name))
  }
  if (route.body?.kind === 'bytes')
    rows.push(`<tr><td>body</td><td>${route.body.types.map(code).join(' or ')}</td><td>at most ${route.body.maxBytes} bytes</td></tr>`)
  return rows.length === 0
    ? ''
    : `<table><thead><tr><th scope="col">In</th><th scope="col">Name</th><th scope="col">Is</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function describe(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choice = schema.anyOf ?? schema.oneOf
  if (choice) return choice.map(describe).join(' or ')
  const limits = [
    schema.minimum === undefined ? '' : `≥ ${schema.minimum}`,
    schema.exclusiveMinimum === undefined ? '' : `> ${schema.exclusiveMinimum}`,
    schema.maximum === undefined ? '' : `≤ ${schema.maximum}`,
    schema.exclusiveMaximum === undefined ? '' : `< ${schema.exclusiveMaximum}`,
    schema.minLength === undefined ? '' : `at least ${schema.minLength} characters`,
    schema.maxLength === undefined ? '' : `at most ${schema.maxLength} characters`,
    schema.pattern === undefined ? '' : `matches ${schema.pattern}`,
    schema.default === undefined ? '' : `default ${JSON.stringify(schema.default)}`,
  ].filter((text) => text !== '')
  const type = schema.type === 'array' && schema.items ? `list of ${describe(schema.items)}` : [schema.type ?? 'any'].flat().join(' or ')
  const members = schema.properties ? ` { ${Object.keys(schema.properties).join(', ')} }` : ''
  return [`${type}${members}`, ...limits].join(', ')
}

function curl(route: Route): string {
  const example = (schema: Route['params']): Record<string, unknown> =>
    schema ? (exampleOf(jsonSchemaOf(schema, 'input')) as Record<string, unknown>) : {}
  const params = example(route.params)
  const path = route.path.replace(/:([A-Za-z]+)/g, (_, name: string) => String(params[name]))
  const lines = [`curl ${route.method === 'GET' ? '' : `-X ${route.method} `}http://localhost:8787${path}`]
  if (route.scope !== 'public')
    lines.push(`-H 'authorization: Bearer ${route.scope.startsWith('device') ? '$DEVICE_TOKEN' : '$SHOAL_KEY'}'`)
  if (route.body?.kind === 'json')
    lines.push("-H 'content-type: application/json'", `-d '${shortened(exampleOf(jsonSchemaOf(route.body.schema, 'input')))}'`)
  if (route.body?.kind === 'bytes') lines.push(`-H 'content-type: ${route.body.types[0] ?? ''}'`, '--data-binary @file')
  return lines.join(' \\\n  ')
}

const shortened = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text.length <= 1200 ? text : `${text.slice(0, 1200)}…`
}

function replyOf({ reply }: Route): string {
  if (reply.kind === 'empty') return '<p>Answers 204.</p>'
  if (reply.kind === 'bytes') return `<p>Answers 200 with ${code(reply.type)}.</p>`
  const example = JSON.stringify(exampleOf(jsonSchemaOf(reply.schema, 'output')), null, 1)
  const label = reply.kind === 'events' ? 'Server-sent events; the data of each' : `Answers ${reply.status}`
  return `<details><summary>${label}</summary><pre>${escape(example.length <= 4000 ? example : `${example.slice(0, 4000)}\n…`)}</pre></details>`
}

function errorCatalogue(routes: [string, Route][]): string {
  const entry = (error: (typeof ERROR_CODES)[number]): string => {
    const { status, title, retryable } = ERRORS[error]
    const used = routes.filter(([, route]) => route.errors?.includes(error)).map(([name]) => `<a href="#${anchor(name)}">${code(name)}</a>`)
    return `<tr id="error-${anchor(error)}"><td>${code(error)}</td><td>${status}</td><td>${retryable ? 'yes' : 'no'}</td><td>${escape(title)}.${used.length > 0 ? ` ${used.join(' ')}` : ''}</td></tr>`
  }
  return `<section aria-labelledby="errors"><h2 id="errors">Errors</h2>
<p>Every failure is a problem document (RFC 9457, ${code('application/problem+json')}) with ${code('code')}, ${code('detail')} (what was wrong this time, and what to do), ${code('retryable')} and, where there are several places, ${code('issues')}. Codes below 500 that no operation names arise on devices.</p>
<table><thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Retry</th><th scope="col">Meaning</th></tr></thead><tbody>${ERROR_CODES.map(entry).join('\n')}</tbody></table></section>`
}

const INTRODUCTION = `<section aria-labelledby="scopes"><h2 id="scopes">Keys and scopes</h2>
<p>Send ${code('Authorization: Bearer shoal_…')}. A key has one scope, and each scope includes the ones before it: ${code('viewer')} reads, ${code('editor')} adds data, models and runs, ${code('releaser')} decides what the fleet runs, ${code('admin')} makes keys. ${code('device')} is the token that a device gets when it registers; ${code('public')} needs nothing.</p></section>
<section aria-labelledby="requests"><h2 id="requests">Requests</h2>
<p>Bodies are JSON unless an operation says otherwise. A GET answers with an ${code('ETag')}; send it back as ${code('If-None-Match')} and an unchanged answer is 304. Where an operation takes an ${code('Idempotency-Key')}, the same key and body again within 24 hours has no second effect and gives the same answer. Times are milliseconds since 1970. Each answer carries an ${code('X-Request-Id')}, under which the log knows it.</p></section>`

const STYLE = `:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent);--accent:light-dark(#0b6b8f,#6cc5e6)}
*{box-sizing:border-box}body{margin:0;display:grid;grid-template-columns:19rem minmax(0,1fr);font:15px/1.5 system-ui,sans-serif}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;border-right:1px solid var(--line);font-size:13px}nav a{display:block;padding:.15rem 0;color:inherit;text-decoration:none}nav a:hover,nav a:focus-visible{color:var(--accent)}
nav h2{font-size:12px;margin:1rem 0 .2rem;opacity:.7}.home{font-size:17px;font-weight:600}main{padding:1rem 2rem 4rem;max-width:64rem}a{color:var(--accent)}
article{border-top:1px solid var(--line);padding:.5rem 0 1.2rem}h3 a{color:inherit;text-decoration:none;font-weight:500}article:target,tr:target{background:color-mix(in srgb,var(--accent) 12%,transparent)}
b{font:600 11px ui-monospace,monospace;padding:.1rem .35rem;border:1px solid var(--line);border-radius:4px}b.GET{color:light-dark(#0a6b3d,#6fd6a3)}b.POST{color:light-dark(#0b55a5,#85bdf5)}b.PUT{color:light-dark(#8a5200,#eab566)}b.DELETE{color:light-dark(#a32020,#f09090)}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow:auto;padding:.7rem;border:1px solid var(--line);border-radius:6px;max-height:26rem}dl{display:grid;grid-template-columns:5rem 1fr;gap:.2rem .8rem;margin:.4rem 0}dt{opacity:.7}dd{margin:0}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:13px}th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
@media(max-width:56rem){body{display:block}nav{position:static;height:auto;max-height:40vh;border-right:0;border-bottom:1px solid var(--line)}main{padding:1rem}}`
