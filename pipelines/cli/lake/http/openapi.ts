import type { LakeLayout, LakeReaderPort } from '../../../core/lake-ports.ts'
import type { Head } from '../sheet.ts'
import { type JsonSchema, type Parameter, type Route, valuesOf } from './declare.ts'

/**
 * The description of the API for programs.
 *
 * Source: OpenAPI 3.1.1
 */
export function openApi (routes: readonly Route[], { layout, version, hasToken }: { readonly layout: LakeLayout, readonly version: string, readonly hasToken: boolean }): JsonSchema {
  const problem = { description: 'A problem: what is wrong, where, and what to do', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } }
  return {
    openapi: '3.1.1',
    info: { title: `The lake of ${layout.pipeline}`, version, description: 'Readings, rollups and alerts as Millrace keeps them. All times are UTC.' },
    paths: Object.fromEntries(routes.map(route => [route.path, {
      get: {
        operationId: route.name, summary: route.says, parameters: route.parameters.map(parameter => parameterOf(parameter, layout)),
        responses: { 200: { description: 'Rows', content: contentOf(rowSchema(route, layout)) }, 400: problem, 422: problem, 429: problem, 503: problem, 504: problem, ...route.path.includes('{') && { 404: problem }, ...hasToken && { 401: problem } },
      },
    }])),
    components: {
      schemas: { Problem: { type: 'object', required: ['type', 'status', 'title', 'detail'], properties: { type: { type: 'string' }, status: { type: 'integer' }, title: { type: 'string' }, detail: { type: 'string' }, code: { type: 'string' }, parameter: { type: 'string' }, advice: { type: 'string' } } } },
      ...hasToken && { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    ...hasToken && { security: [{ token: [] }] },
  }
}

function parameterOf ({ name, in: place, says, schema, many, required, fallback, example }: Parameter, layout: LakeLayout): JsonSchema {
  const one = { ...schema, ...namesOf(name, layout), ...fallback !== undefined && fallback !== '' && { default: schema.type === 'boolean' ? fallback === 'true' : fallback } }
  return {
    name, in: place, description: says, required: required === true, schema: many === true ? { type: 'array', items: one } : one,
    ...many === true && { style: 'form', explode: true }, ...example !== undefined && { example: schema.type === 'integer' ? Number(example) : example },
  }
}

/** What this lake has of a kind. */
function namesOf (name: string, { signals, windows }: LakeLayout): JsonSchema {
  if (name === 'signal') return { enum: signals.map(one => one.name) }
  if (name === 'window') return { enum: windows.map(one => one.name) }
  if (name === 'source') return { enum: ['auto', 'readings', ...windows.map(one => one.name)] }
  return {}
}

const contentOf = (row: JsonSchema): JsonSchema => ({
  'application/json': { schema: { type: 'array', items: row } }, 'application/x-ndjson': { schema: row }, 'text/csv': { schema: { type: 'string', description: 'RFC 4180, with a line of names' } },
})

const kinds: Readonly<Record<Head['kind'], JsonSchema>> = {
  time: { type: ['string', 'null'], format: 'date-time' }, number: { type: ['number', 'null'] }, count: { type: ['number', 'null'] }, duration: { type: ['number', 'null'], description: 'milliseconds' },
  text: { type: ['string', 'null'] }, bool: { type: ['boolean', 'null'] }, map: {},
}

/** The columns of an answer that asks for as little as can be; other parameters bring other ones. */
function rowSchema (route: Route, layout: LakeLayout): JsonSchema {
  const [signal] = layout.signals.filter(({ kind }) => kind === 'number')
  const [window] = layout.windows
  const least: Readonly<Record<string, string>> = { signal: signal?.name ?? '', when: 'true', window: window?.name ?? '' }
  if ((signal === undefined && route.name === 'query') || (window === undefined && route.name === 'rollups')) return { type: 'object' }
  const needed = route.parameters.filter(({ required }) => required === true)
  const path = new Map(needed.filter(one => one.in === 'path').map(({ name }) => [name, least[name]!]))
  const query = new URLSearchParams(needed.filter(one => one.in === 'query').map(({ name }): [string, string] => [name, least[name]!]))
  // Heads are known before anything is read.
  const { heads } = route.answer({ layout } as LakeReaderPort, valuesOf(route, path, query), { nowMs: 0, abort: new AbortController().signal })
  return { type: 'object', properties: Object.fromEntries(heads.map(({ name, kind, unit = null }) => [name, unit === null ? kinds[kind] : { ...kinds[kind], description: `in ${unit}` }])) }
}
