import { compatibilityLevels, type CompatibilityLevel } from '../../schemas/compatibility.ts'
import { type SchemaReference, schemaGuid } from '../../schemas/guid.ts'
import type { Candidate, KnownSchema, SchemaCatalogue } from './catalogue.ts'
import { versionName } from './names.ts'
import { Refusal, refusals } from './refusal.ts'
import { type Mode, modes, type SchemaVersion } from './store.ts'

export interface Call { readonly method: string, /** Decoded parts between the slashes. */ readonly path: readonly string[], readonly query: URLSearchParams, readonly body: unknown }
type Handler = (catalogue: SchemaCatalogue, parts: readonly string[], call: Call) => unknown

/** A text that is answered as it is, not as a JSON string: a schema alone. */
export class RawJson {
  readonly text: string
  constructor (text: string) { this.text = text }
}

/** `*` stands for one part, which the handler gets. Source: Confluent Schema Registry API reference */
const routes: readonly (readonly [method: string, pattern: string, handler: Handler])[] = [
  ['GET', '', () => ({})],
  ['GET', 'subjects', (registry, _, call) => registry.subjects({ deleted: flag(call, 'deleted') }).filter(subject => subject.startsWith(call.query.get('subjectPrefix') ?? ''))],
  ['POST', 'subjects/*', (registry, [subject], call) => versionView(registry.lookUp(candidate(subject!, call), { deleted: flag(call, 'deleted') }))],
  ['DELETE', 'subjects/*', (registry, [subject], call) => registry.deleteSubject(subject!, { permanent: flag(call, 'permanent') })],
  ['GET', 'subjects/*/versions', (registry, [subject], call) => registry.versions(subject!, { deleted: flag(call, 'deleted') }).map(one => one.version)],
  ['POST', 'subjects/*/versions', async (registry, [subject], call) => ({ id: await registry.register({ ...candidate(subject!, call), id: wanted(call, 'id'), version: wanted(call, 'version') }) })],
  ['GET', 'subjects/*/versions/*', (registry, [subject, version], call) => versionView(registry.version(subject!, versionName(version!), { deleted: flag(call, 'deleted') }))],
  ['GET', 'subjects/*/versions/*/schema', (registry, [subject, version], call) => new RawJson(registry.version(subject!, versionName(version!), { deleted: flag(call, 'deleted') }).schema)],
  ['GET', 'subjects/*/versions/*/referencedby', (registry, [subject, version]) => registry.referencedBy(subject!, registry.version(subject!, versionName(version!)).version)],
  ['DELETE', 'subjects/*/versions/*', (registry, [subject, version], call) => registry.deleteVersion(subject!, versionName(version!), { permanent: flag(call, 'permanent') })],
  ['GET', 'schemas', (registry, _, call) => schemas(registry, call)],
  ['GET', 'contexts', () => ['.']],
  ['GET', 'schemas/types', () => ['AVRO']],
  ['GET', 'schemas/guids/*', (registry, [guid]) => schemaView(byGuid(registry, guid!))],
  ['GET', 'schemas/guids/*/ids', (registry, [guid]) => [{ context: '.', id: byGuid(registry, guid!).id }]],
  ['GET', 'schemas/ids/*', (registry, [id], call) => ({ ...schemaView(schemaById(registry, id!)), ...call.query.get('fetchMaxId') === 'true' ? { maxId: Math.max(...registry.all({ deleted: true }).map(one => one.id)) } : {} })],
  ['GET', 'schemas/ids/*/schema', (registry, [id]) => new RawJson(schemaById(registry, id!).schema)],
  ['GET', 'schemas/ids/*/subjects', (registry, [id], call) => [...new Set(users(registry, id!, call).map(one => one.subject))]],
  ['GET', 'schemas/ids/*/versions', (registry, [id], call) => users(registry, id!, call).map(({ subject, version }) => ({ subject, version }))],
  ['POST', 'compatibility/subjects/*/versions', (registry, [subject], call) => verdict(registry, subject!, 'all', call)],
  ['POST', 'compatibility/subjects/*/versions/*', (registry, [subject, version], call) => verdict(registry, subject!, versionName(version!), call)],
  ['GET', 'config', registry => ({ compatibilityLevel: registry.level(null) })],
  ['PUT', 'config', (registry, _, call) => setLevel(registry, null, call)],
  ['DELETE', 'config', async registry => { const compatibilityLevel = registry.level(null); await registry.setLevel(null, null); return { compatibilityLevel } }],
  ['GET', 'config/*', (registry, [subject], call) => ({ compatibilityLevel: ownLevel(registry, subject!, flag(call, 'defaultToGlobal')) })],
  ['PUT', 'config/*', (registry, [subject], call) => setLevel(registry, subject!, call)],
  ['DELETE', 'config/*', async (registry, [subject]) => { const compatibilityLevel = ownLevel(registry, subject!, false); await registry.setLevel(subject!, null); return { compatibilityLevel } }],
  ['GET', 'mode', registry => ({ mode: registry.mode(null) })],
  ['PUT', 'mode', (registry, _, call) => setMode(registry, null, call)],
  ['GET', 'mode/*', (registry, [subject], call) => ({ mode: ownMode(registry, subject!, flag(call, 'defaultToGlobal')) })],
  ['PUT', 'mode/*', (registry, [subject], call) => setMode(registry, subject!, call)],
  ['DELETE', 'mode', async registry => { const mode = registry.mode(null); await registry.setMode(null, null); return { mode } }],
  ['DELETE', 'mode/*', async (registry, [subject]) => { const mode = ownMode(registry, subject!, false); await registry.setMode(subject!, null); return { mode } }],
]
const compiled = routes.map(([method, pattern, handler]) => ({ method, pattern: pattern === '' ? [] : pattern.split('/'), handler }))

/** What a registry answers to a call. Errors: Refusal; 404 for a path that is none, 405 for a wrong method */
export async function answer (catalogue: SchemaCatalogue, call: Call): Promise<unknown> {
  const here = compiled.filter(({ pattern }) => pattern.length === call.path.length && pattern.every((part, index) => part === '*' || part === call.path[index]))
  if (here.length === 0) throw new Refusal(404, 'HTTP 404 Not Found')
  const route = here.find(({ method }) => method === call.method)
  if (route === undefined) throw new Refusal(405, 'HTTP 405 Method Not Allowed')
  return route.handler(catalogue, call.path.filter((_, index) => route.pattern[index] === '*'), call)
}

const flag = ({ query }: Call, name: string) => query.get(name) === 'true'
const versionView = ({ subject, version, id, schema, references }: SchemaVersion) => ({ subject, version, id, guid: schemaGuid(schema, references), ...references.length > 0 && { references }, schema })
const schemaView = ({ schema, references, guid }: KnownSchema) => ({ schema, ...references.length > 0 && { references }, guid })
const bodyOf = ({ body }: Call): Readonly<Record<string, unknown>> => typeof body === 'object' && body !== null ? body as Readonly<Record<string, unknown>> : {}

function candidate (subject: string, call: Call): Candidate {
  const { schema, schemaType = 'AVRO', references } = bodyOf(call)
  if (schemaType !== 'AVRO' && schemaType !== null) throw refusals.schemaInvalid(`schemaType=${JSON.stringify(schemaType)}; this registry holds Avro`)
  if (typeof schema !== 'string' || schema === '') throw refusals.schemaInvalid('the request has no "schema"')
  return { subject, schema, references: referencesOf(references ?? []), normalize: flag(call, 'normalize') }
}

function referencesOf (given: unknown): readonly SchemaReference[] {
  const isReference = (one: unknown): one is SchemaReference => {
    const { name, subject, version } = (one ?? {}) as Readonly<Record<string, unknown>>
    return typeof name === 'string' && typeof subject === 'string' && Number.isInteger(version)
  }
  if (!Array.isArray(given) || !given.every(isReference)) throw refusals.schemaInvalid('each of its references is an object with name, subject and version')
  return given.map(({ name, subject, version }) => ({ name, subject, version }))
}

function byGuid (registry: SchemaCatalogue, guid: string): KnownSchema & { readonly id: number } {
  const found = registry.byGuid(guid)
  if (found === null) throw refusals.schemaUnknown(guid)
  return found
}

function wanted (call: Call, name: 'id' | 'version'): number | undefined {
  const value = bodyOf(call)[name]
  if (value === undefined || value === null || value === -1) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value >= 2 ** 31) throw new Refusal(422, `Invalid ${name}: ${JSON.stringify(value)}`)
  return value
}

function schemaById (registry: SchemaCatalogue, text: string): KnownSchema {
  const id = idOf(text)
  const schema = registry.byId(id)
  if (schema === null) throw refusals.schemaUnknown(id)
  return schema
}

function users (registry: SchemaCatalogue, text: string, call: Call): readonly SchemaVersion[] {
  schemaById(registry, text)
  const id = idOf(text)
  return registry.all({ deleted: flag(call, 'deleted') }).filter(one => one.id === id)
}

function idOf (text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw new Refusal(404, 'HTTP 404 Not Found')
  return Number(text)
}

function schemas (registry: SchemaCatalogue, call: Call): unknown {
  const all = registry.all({ deleted: flag(call, 'deleted') }).filter(({ subject }) => subject.startsWith(call.query.get('subjectPrefix') ?? ''))
  return (flag(call, 'latestOnly') ? all.filter((one, index) => all[index + 1]?.subject !== one.subject) : all).map(versionView)
}

function verdict (registry: SchemaCatalogue, subject: string, version: Parameters<SchemaCatalogue['conflicts']>[1], call: Call): unknown {
  const found = registry.conflicts(candidate(subject, call), version)
  return { is_compatible: found.length === 0, ...flag(call, 'verbose') ? { messages: found.map(({ kind, says, direction }) => `${kind}: ${says} (${direction})`) } : {} }
}

function ownLevel (registry: SchemaCatalogue, subject: string, orGlobal: boolean): CompatibilityLevel {
  const level = orGlobal ? registry.level(subject) : registry.ownLevel(subject)
  if (level === null) throw refusals.configUnset(subject)
  return level
}

async function setLevel (registry: SchemaCatalogue, subject: string | null, call: Call): Promise<unknown> {
  const { compatibility } = bodyOf(call)
  const level = compatibilityLevels.find(one => one === String(compatibility).toUpperCase())
  if (level === undefined) throw refusals.levelInvalid()
  await registry.setLevel(subject, level)
  return { compatibility: level }
}

function ownMode (registry: SchemaCatalogue, subject: string, orGlobal: boolean): Mode {
  const mode = orGlobal ? registry.mode(subject) : registry.ownMode(subject)
  if (mode === null) throw refusals.modeUnset(subject)
  return mode
}

async function setMode (registry: SchemaCatalogue, subject: string | null, call: Call): Promise<unknown> {
  const mode = modes.find(one => one === String(bodyOf(call).mode).toUpperCase())
  if (mode === undefined) throw refusals.modeInvalid()
  await registry.setMode(subject, mode, { force: flag(call, 'force') })
  return { mode }
}
