type Json = Readonly<Record<string, unknown>>

const primitives: ReadonlySet<string> = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const named: ReadonlySet<unknown> = new Set(['record', 'error', 'enum', 'fixed'])
/** Attributes in this order, any other ones behind them by name. */
const order = ['name', 'namespace', 'type', 'doc', 'aliases', 'fields', 'symbols', 'items', 'values', 'size', 'default', 'order', 'logicalType', 'precision', 'scale']
const nestingMax = 200

interface Scope { readonly namespace: string, readonly depth: number, readonly known: Set<string>, readonly types: ReadonlyMap<string, Definition>, readonly isSorted: boolean }
interface Definition { readonly node: Json, readonly namespace: string }

/**
 * A schema in one way of writing: full names, attributes in one order, nothing said that need not be. What it means stays, docs and
 * defaults included.
 *
 * Errors: SyntaxError for what is not JSON; RangeError beyond a nesting of 200
 */
export function normalSchema (avro: string): string {
  return JSON.stringify(written(parsed(avro), { namespace: '', depth: 0, known: new Set(), types: new Map(), isSorted: true }))
}

/**
 * A schema with the types it refers to written out where they are first named: it stands by itself.
 *
 * Shape:  `references` are the texts of the schemas referred to, directly or not, in any order
 * Errors: as `normalSchema`
 */
export function bundledSchema (avro: string, references: readonly string[]): string {
  if (references.length === 0) return avro
  const types = new Map<string, Definition>()
  for (const reference of references) collect(parsed(reference), { namespace: '', depth: 0 }, types)
  return JSON.stringify(written(parsed(avro), { namespace: '', depth: 0, known: new Set(), types, isSorted: false }))
}

/** Numbers stay as they were written: a default may lie beyond 2^53. */
function parsed (avro: string): unknown {
  const raw = JSON as unknown as { rawJSON (text: string): unknown }
  const exact = (_: string, value: unknown, context?: { readonly source?: string }) => typeof value === 'number' && context?.source !== undefined && String(value) !== context.source ? raw.rawJSON(context.source) : value
  // A bare primitive name is valid in registries though it is no JSON.
  return primitives.has(avro.trim()) ? avro.trim() : JSON.parse(avro, exact) as unknown
}

function collect (json: unknown, { namespace, depth }: { readonly namespace: string, readonly depth: number }, types: Map<string, Definition>): void {
  if (depth > nestingMax) throw new RangeError(`a nesting of more than ${nestingMax}`)
  const within = (inner: unknown, space = namespace) => { collect(inner, { namespace: space, depth: depth + 1 }, types) }
  if (Array.isArray(json)) { for (const branch of json) within(branch); return }
  if (!isObject(json)) return
  if (!named.has(json.type)) { for (const inner of [json.type, json.items, json.values]) within(inner); return }
  const full = fullName(json, namespace)
  if (!types.has(full)) types.set(full, { node: json, namespace })
  for (const field of fieldsOf(json)) within(field.type, spaceOf(full))
}

function written (json: unknown, scope: Scope): unknown {
  if (scope.depth > nestingMax) throw new RangeError(`a nesting of more than ${nestingMax}`)
  if (typeof json === 'string') return byName(json, scope)
  const inner = { ...scope, depth: scope.depth + 1 }
  if (Array.isArray(json)) return json.map(branch => written(branch, inner))
  if (!isObject(json)) return json
  if (named.has(json.type)) return definition(json, inner)
  const { type, ...rest } = json
  const base = typeof type === 'string' && (type === 'array' || type === 'map') ? type : written(type, inner)
  if (Object.keys(rest).length === 0 && base !== 'array' && base !== 'map') return base
  return sorted({ ...json, type: base, ...'items' in json && { items: written(json.items, inner) }, ...'values' in json && { values: written(json.values, inner) } }, scope)
}

function byName (name: string, scope: Scope): unknown {
  if (primitives.has(name)) return name
  const full = name.includes('.') || scope.namespace === '' ? name : `${scope.namespace}.${name}`
  for (const candidate of new Set([full, name])) {
    if (scope.known.has(candidate)) return candidate
    const found = scope.types.get(candidate)
    if (found !== undefined) return definition(found.node, { ...scope, depth: scope.depth + 1 }, found.namespace)
  }
  return full
}

/** `within`: the namespace around the definition where it was written. */
function definition (node: Json, scope: Scope, within = scope.namespace): unknown {
  const full = fullName(node, within)
  if (scope.known.has(full) && scope.types.has(full)) return full
  scope.known.add(full)
  const inner = { ...scope, namespace: spaceOf(full) }
  const { namespace: _, name: __, ...rest } = node
  const fields = fieldsOf(node).map(field => sorted({ ...field, type: written(field.type, inner) }, scope))
  return sorted({ ...rest, name: full, ...spaceOf(full) === '' && scope.namespace !== '' && { namespace: '' }, ...'fields' in node && { fields } }, scope)
}

function sorted (node: Json, { isSorted }: Scope): Json {
  if (!isSorted) return node
  const place = (name: string) => order.includes(name) ? order.indexOf(name) : order.length
  return Object.fromEntries(Object.entries(node).sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1)))
}

function fullName (node: Json, namespace: string): string {
  const name = String(node.name)
  if (name.includes('.')) return name
  const space = typeof node.namespace === 'string' ? node.namespace : namespace
  return space === '' ? name : `${space}.${name}`
}

const spaceOf = (full: string) => full.slice(0, Math.max(0, full.lastIndexOf('.')))
const fieldsOf = ({ fields }: Json) => (Array.isArray(fields) ? fields : []).filter(isObject)
const isObject = (json: unknown): json is Json => typeof json === 'object' && json !== null && !Array.isArray(json)
