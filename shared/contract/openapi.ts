import { ERROR_CODES, ERRORS, type ErrorCode } from '../core/errors.ts'
import { exampleOf } from './example.ts'
import { type JsonSchema, jsonSchemaOf } from './json-schema.ts'
import { errorsOf, type Route, type Scope } from './route.ts'
import { ROUTES } from './routes.ts'

export type OpenApiDocument = { readonly openapi: '3.1.0'; readonly [part: string]: unknown }

const PROBLEM = 'application/problem+json'

/** The OpenAPI 3.1 description of every route, made from the contract alone. */
export function openApi({ version, server = '/' }: { readonly version: string; readonly server?: string }): OpenApiDocument {
  const schemas: Record<string, unknown> = { Problem: problemSchema() }
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [name, route] of Object.entries(ROUTES as Record<string, Route>)) {
    const path = route.path.replace(/:([A-Za-z]+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route, schemas) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Shoal',
      version,
      description:
        'The control plane: registry, signed delivery, pipelines, monitoring, rollouts and federated rounds. Every failure is a problem document (RFC 9457) with a code of its own.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: server }],
    tags: [...new Set(Object.values(ROUTES as Record<string, Route>).map((route) => route.tag))].map((tag) => ({ name: tag })),
    paths,
    components: {
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key: shoal_<scope>_…. Scopes, each including the ones before it: viewer, editor, releaser, admin.',
        },
        device: { type: 'http', scheme: 'bearer', description: 'A device token, from POST /v1/apps/{app}/devices.' },
      },
      schemas,
    },
  }
}

function operation(name: string, route: Route, schemas: Record<string, unknown>): Record<string, unknown> {
  return {
    operationId: name,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: securityOf(route.scope),
    'x-shoal-scope': route.scope,
    'x-shoal-errors': errorsOf(route),
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...(route.idempotent
        ? [
            {
              name: 'Idempotency-Key',
              in: 'header',
              required: false,
              description: 'The same key and body again, within 24 hours, gives the same answer and no second effect.',
              schema: { type: 'string', minLength: 1, maxLength: 200 },
            },
          ]
        : []),
    ],
    ...(route.body ? { requestBody: requestBody(name, route.body, schemas) } : {}),
    responses: { ...success(name, route, schemas), ...failures(errorsOf(route)) },
  }
}

const securityOf = (scope: Scope): Record<string, never[]>[] => {
  if (scope === 'public') return []
  if (scope === 'device') return [{ device: [] }]
  return scope === 'device-or-editor' ? [{ device: [] }, { key: [] }] : [{ key: [] }]
}

function parameters(schema: Route['params'], place: 'path' | 'query'): Record<string, unknown>[] {
  if (!schema) return []
  const { properties = {}, required = [] } = jsonSchemaOf(schema, 'input')
  return Object.entries(properties).map(([name, member]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: member,
    example: exampleOf(member, name),
  }))
}

function requestBody(name: string, body: NonNullable<Route['body']>, schemas: Record<string, unknown>): Record<string, unknown> {
  if (body.kind === 'bytes')
    return {
      required: true,
      content: Object.fromEntries(
        body.types.map((type) => [type, { schema: { type: 'string', format: 'binary', maxLength: body.maxBytes } }]),
      ),
    }
  const schema = jsonSchemaOf(body.schema, 'input')
  return {
    required: true,
    content: { 'application/json': { schema: hoisted(schema, `${name}.body`, schemas), example: exampleOf(schema) } },
  }
}

function success(name: string, route: Route, schemas: Record<string, unknown>): Record<string, unknown> {
  const { reply } = route
  if (reply.kind === 'empty') return { 204: { description: 'Done' } }
  if (reply.kind === 'bytes')
    return {
      200: { description: route.summary, content: { [reply.type]: { schema: { type: 'string', format: 'binary' } } } },
      ...(route.cache === 'immutable' ? { 206: { description: 'The part that the Range header asks for' } } : {}),
    }
  const schema = jsonSchemaOf(reply.schema, 'output')
  const media = { schema: hoisted(schema, `${name}.reply`, schemas), example: exampleOf(schema) }
  if (reply.kind === 'events')
    return { 200: { description: 'Server-sent events; the schema is that of each event’s data', content: { 'text/event-stream': media } } }
  return {
    [reply.status]: {
      description: route.summary,
      headers: route.method === 'GET' ? { ETag: { schema: { type: 'string' } } } : {},
      content: { 'application/json': media },
    },
    ...(route.method === 'GET' ? { 304: { description: 'Unchanged since the ETag in If-None-Match' } } : {}),
  }
}

/** One answer for each status, naming the codes that come with it. */
function failures(codes: readonly ErrorCode[]): Record<string, unknown> {
  const byStatus = Map.groupBy(codes, (code) => ERRORS[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, members]) => [
      status,
      {
        description: members.map((code) => `\`${code}\`: ${ERRORS[code].title}.`).join(' '),
        content: { [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  )
}

/** Moves a schema's own definitions among the document's, since a $ref there counts from the document's root. */
function hoisted(schema: JsonSchema, name: string, schemas: Record<string, unknown>): unknown {
  if (!schema.$defs) return schema
  const { $defs, ...rest } = schema
  const place = (key: string): string => `${name}.${key.replaceAll('_', '')}`
  const moved = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replace(/"#\/\$defs\/([^"]+)"/g, (_, key: string) => `"#/components/schemas/${place(key)}"`))
  for (const [key, definition] of Object.entries($defs)) schemas[place(key)] = moved(definition)
  return moved(rest)
}

const problemSchema = (): Record<string, unknown> => ({
  type: 'object',
  description: 'RFC 9457 problem details. `code` is what a program switches on.',
  required: ['type', 'title', 'status', 'detail', 'code', 'retryable'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What was wrong this time, and what to do.' },
    code: { type: 'string', enum: ERROR_CODES },
    retryable: { type: 'boolean', description: 'Whether the same request may succeed later.' },
    issues: {
      type: 'array',
      items: { type: 'object', required: ['where', 'what'], properties: { where: { type: 'string' }, what: { type: 'string' } } },
    },
    instance: { type: 'string' },
  },
})
