import { describe, expect, test } from 'vitest'
import * as z from 'zod/mini'
import { ERROR_CODES, ERRORS } from '../../../shared/core/errors.ts'
import { docsPage } from '../../../shared/contract/docs-page.ts'
import { exampleOf } from '../../../shared/contract/example.ts'
import { jsonSchemaOf } from '../../../shared/contract/json-schema.ts'
import { openApi } from '../../../shared/contract/openapi.ts'
import { errorsOf, type Route, SCOPES } from '../../../shared/contract/route.ts'
import { ROUTES } from '../../../shared/contract/routes.ts'

const routes = Object.entries(ROUTES as Record<string, Route>)
type Operation = {
  operationId: string
  tags: string[]
  summary: string
  security: Record<string, string[]>[]
  parameters: { name: string; in: string; required: boolean; schema: object }[]
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: { $ref?: string } }> }>
}
// as a reader of the document gets it
const document = JSON.parse(JSON.stringify(openApi({ version: '1.2.3' }))) as {
  openapi: string
  info: { title: string; version: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> }
}
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

function* references(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    if (key === '$ref' && typeof member === 'string') yield member
    else yield* references(member)
  }
}

describe('openapi.json', () => {
  test('[CON-2] has one operation for each route, under its own name', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(document.info).toMatchObject({ title: 'Shoal', version: '1.2.3' })
    expect(operations.map(({ operation }) => operation.operationId).sort()).toEqual(routes.map(([name]) => name).sort())
    for (const [name, route] of routes) {
      const found = operations.find(({ operation }) => operation.operationId === name)
      expect([found?.method, found?.path]).toEqual([route.method.toLowerCase(), route.path.replace(/:([A-Za-z]+)/g, '{$1}')])
    }
  })

  test('[CON-2] every reference leads somewhere, no definition is left where it cannot be found', () => {
    const all = [...references(document)]
    expect(all.length).toBeGreaterThan(50)
    for (const reference of all) {
      const [root, ...steps] = reference.split('/')
      expect(root).toBe('#')
      expect(
        steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document),
        reference,
      ).toBeTypeOf('object')
    }
    expect(JSON.stringify(document)).not.toContain('"$defs"')
    for (const name of Object.keys(document.components.schemas)) expect(name).toMatch(/^[A-Za-z0-9._-]+$/)
  })

  test('[CON-2] the parameters in a path are exactly the ones described', () => {
    for (const { path, operation } of operations) {
      const described = operation.parameters.filter((parameter) => parameter.in === 'path')
      expect(described.map((parameter) => parameter.name).sort(), operation.operationId).toEqual(
        [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort(),
      )
      expect(described.every((parameter) => parameter.required)).toBe(true)
    }
  })

  test('[CON-2] each operation says who may call it, what it answers and how it fails', () => {
    for (const [name, route] of routes) {
      const operation = operations.find((candidate) => candidate.operation.operationId === name)?.operation
      expect(SCOPES).toContain(route.scope)
      expect(operation?.security.length === 0).toBe(route.scope === 'public')
      for (const scheme of operation?.security.flatMap(Object.keys) ?? [])
        expect(document.components.securitySchemes).toHaveProperty(scheme)
      const statuses = Object.keys(operation?.responses ?? {})
      expect(statuses.some((status) => status.startsWith('2'))).toBe(true)
      for (const code of errorsOf(route))
        expect(operation?.responses[ERRORS[code].status]?.description, `${name} ${code}`).toContain(`\`${code}\``)
    }
  })

  test('[CON-2] a path pattern is one route: no two could both mean an address and method', () => {
    const shapes = routes.map(([, route]) => `${route.method} ${route.path.replace(/:[A-Za-z]+/g, ':')}`)
    expect(new Set(shapes).size).toBe(shapes.length)
  })
})

test.each(routes)('[CON-3] the examples of %s fit its own schemas', (_, route) => {
  for (const [schema, io] of [
    [route.params, 'input'],
    [route.query, 'input'],
    [route.body?.kind === 'json' ? route.body.schema : undefined, 'input'],
    ['schema' in route.reply ? route.reply.schema : undefined, 'output'],
  ] as const) {
    if (!schema) continue
    const example = exampleOf(jsonSchemaOf(schema, io))
    const parsed = z.safeParse(schema, example)
    expect(
      parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
      JSON.stringify(example).slice(0, 500),
    ).toEqual([])
  }
})

describe('/docs', () => {
  const page = docsPage({ version: '1.2.3' })
  const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]))

  test('[CON-4] shows every operation and every error at an address of its own', () => {
    for (const [name, route] of routes) {
      expect(ids).toContain(name.toLowerCase().replace(/[^a-z0-9]+/g, '-'))
      expect(page).toContain(`<code>${route.path}</code>`)
    }
    for (const code of ERROR_CODES) expect(ids).toContain(`error-${code.replaceAll('_', '-')}`)
  })

  test('[CON-4] every link within the page leads somewhere, and nothing comes from elsewhere', () => {
    const links = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map((match) => match[1] ?? '')
    for (const link of links) {
      if (link.startsWith('#')) expect(ids, link).toContain(link.slice(1))
      else expect(['/docs', '/openapi.json', '/icon.svg']).toContain(link)
    }
    expect(page).not.toMatch(/<script|https?:\/\/(?!localhost)/)
  })

  test('[CON-4] is well formed: every element that opens closes', () => {
    const open: string[] = []
    for (const [, close, name = ''] of page.matchAll(/<(\/?)([a-z0-9]+)\b[^>]*>/g)) {
      if (['meta', 'link'].includes(name)) continue
      if (close === '/') expect(open.pop()).toBe(name)
      else open.push(name)
    }
    expect(open).toEqual([])
  })
})
