export type PrimitiveName = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'
interface Named { readonly fullName: string, readonly aliases: readonly string[] }
/** `scale` and `precision` belong to decimal. A logical type that does not fit its base type is left out, as Avro demands. */
export interface Logical { readonly name: string, readonly scale: number, readonly precision: number }
export interface Primitive { readonly kind: PrimitiveName, readonly logical: Logical | null }
export interface Fixed extends Named { readonly kind: 'fixed', readonly size: number, readonly logical: Logical | null }
export interface Enum extends Named { readonly kind: 'enum', readonly symbols: readonly string[], readonly otherwise: string | null }
export interface ArrayOf { readonly kind: 'array', readonly items: AvroType }
export interface MapOf { readonly kind: 'map', readonly values: AvroType }
export interface Union { readonly kind: 'union', readonly branches: readonly AvroType[] }
export interface RecordField { readonly name: string, readonly aliases: readonly string[], readonly type: AvroType, /** JSON; undefined: none. */ readonly otherwise: unknown, readonly unit: string | null }
export interface RecordOf extends Named { readonly kind: 'record', readonly fields: readonly RecordField[] }
export type AvroType = Primitive | Fixed | Enum | ArrayOf | MapOf | Union | RecordOf

const primitives: ReadonlySet<string> = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const logicalBases: Readonly<Record<string, readonly string[]>> = {
  'timestamp-millis': ['long'], 'timestamp-micros': ['long'], 'timestamp-nanos': ['long'],
  'local-timestamp-millis': ['long'], 'local-timestamp-micros': ['long'], 'local-timestamp-nanos': ['long'],
  'date': ['int'], 'time-millis': ['int'], 'time-micros': ['long'],
  'decimal': ['bytes', 'fixed'], 'uuid': ['string', 'fixed'], 'duration': ['fixed'],
}
const nestingMax = 200
const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/

type Json = Readonly<Record<string, unknown>>
interface Scope { readonly named: Map<string, AvroType>, readonly namespace: string, readonly path: string, readonly depth: number }

/** Why a text is no Avro schema; `facts` name the place and what Avro demands there. */
export class AvroProblem extends Error {
  override readonly name = 'AvroProblem'
  readonly facts: Readonly<Record<string, string>>
  constructor (facts: Readonly<Record<string, string>>, options?: ErrorOptions) {
    super(Object.entries(facts).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(' '), options)
    this.facts = facts
  }
}

/**
 * Avro JSON to types whose names are resolved: a recursive schema becomes a cyclic graph.
 *
 * Limits: nesting of 200
 * Errors: throws AvroProblem with the path of the offending part
 * Source: Avro 1.12 specification
 */
export function parseAvro (avro: string): AvroType {
  let json: unknown
  try { json = JSON.parse(avro) } catch (cause) {
    // A bare primitive name is valid in registries though it is no JSON.
    if (!primitives.has(avro.trim())) throw new AvroProblem({ expected: 'JSON' }, { cause })
    json = avro.trim()
  }
  return parse(json, { named: new Map(), namespace: '', path: '', depth: 0 })
}

function parse (json: unknown, scope: Scope): AvroType {
  if (scope.depth > nestingMax) throw invalid(scope, `nesting of at most ${nestingMax}`)
  if (typeof json === 'string') return byName(json, scope)
  if (Array.isArray(json)) return union(json, scope)
  if (typeof json !== 'object' || json === null) throw invalid(scope, 'a type')
  const node = json as Json
  const inner = { ...scope, depth: scope.depth + 1 }
  switch (node.type) {
    case 'record': case 'error': return record(node, inner)
    case 'enum': return enumeration(node, inner)
    case 'fixed': return fixed(node, inner)
    case 'array': return { kind: 'array', items: parse(node.items, { ...inner, path: `${scope.path}[]` }) }
    case 'map': return { kind: 'map', values: parse(node.values, { ...inner, path: `${scope.path}{}` }) }
    default:
  }
  const base = parse(node.type, inner)
  return 'logical' in base && base.kind !== 'fixed' ? { kind: base.kind, logical: logical(node, base.kind, null) } : base
}

function byName (name: string, { named, namespace, ...scope }: Scope): AvroType {
  if (primitives.has(name)) return { kind: name as PrimitiveName, logical: null }
  const type = named.get(name.includes('.') || namespace === '' ? name : `${namespace}.${name}`) ?? named.get(name)
  if (type === undefined) throw new AvroProblem({ at: scope.path || '(top)', unknownType: name })
  return type
}

function union (json: readonly unknown[], scope: Scope): Union {
  const branches = json.map(branch => parse(branch, { ...scope, depth: scope.depth + 1 }))
  const seen = new Set<string>()
  for (const branch of branches) {
    const name = 'fullName' in branch ? branch.fullName : branch.kind
    if (branch.kind === 'union' || seen.has(name)) throw invalid(scope, 'a union of different types, none a union')
    seen.add(name)
  }
  if (branches.length === 0) throw invalid(scope, 'a union with branches')
  return { kind: 'union', branches }
}

function record (node: Json, scope: Scope): RecordOf {
  const { names, inner } = naming(node, scope)
  if (!Array.isArray(node.fields)) throw invalid(scope, 'fields')
  const fields: RecordField[] = []
  const type: RecordOf = { kind: 'record', ...names, fields }
  scope.named.set(names.fullName, type)
  const seen = new Set<string>()
  for (const field of node.fields as readonly Json[]) {
    const name = typeof field?.name === 'string' ? field.name : ''
    const path = scope.path === '' ? name : `${scope.path}.${name}`
    if (!namePattern.test(name) || seen.has(name)) throw invalid({ ...scope, path }, 'fields with names, none twice')
    seen.add(name)
    // A logicalType beside the field's type instead of inside it has no meaning in Avro.
    fields.push({ name, aliases: texts(field.aliases), type: parse(field.type, { ...inner, path }), otherwise: field.default, unit: typeof field.unit === 'string' ? field.unit : null })
  }
  return type
}

function enumeration (node: Json, scope: Scope): Enum {
  const { names } = naming(node, scope)
  const symbols = texts(node.symbols)
  if (symbols.length === 0 || new Set(symbols).size !== symbols.length) throw invalid(scope, 'symbols, none twice')
  const otherwise = typeof node.default === 'string' ? node.default : null
  if (otherwise !== null && !symbols.includes(otherwise)) throw invalid(scope, 'a default among the symbols')
  const type: Enum = { kind: 'enum', ...names, symbols, otherwise }
  scope.named.set(names.fullName, type)
  return type
}

function fixed (node: Json, scope: Scope): Fixed {
  const { names } = naming(node, scope)
  const { size } = node
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > 1 << 30) throw invalid(scope, 'a size')
  const type: Fixed = { kind: 'fixed', ...names, size, logical: logical(node, 'fixed', size) }
  scope.named.set(names.fullName, type)
  return type
}

function logical (node: Json, kind: string, size: number | null): Logical | null {
  const { logicalType, scale = 0, precision } = node
  if (typeof logicalType !== 'string' || !logicalBases[logicalType]?.includes(kind)) return null
  if (size !== null && ((logicalType === 'uuid' && size !== 16) || (logicalType === 'duration' && size !== 12))) return null
  if (logicalType !== 'decimal') return { name: logicalType, scale: 0, precision: 0 }
  const digitsMax = size === null ? Number.POSITIVE_INFINITY : Math.floor(Math.log10(2) * (8 * size - 1))
  const valid = typeof scale === 'number' && typeof precision === 'number' && Number.isInteger(scale) && Number.isInteger(precision) && precision > 0 && precision <= digitsMax && scale >= 0 && scale <= precision
  return valid ? { name: 'decimal', scale, precision } : null
}

function naming (node: Json, scope: Scope): { readonly names: Named, readonly inner: Scope } {
  const { name, namespace } = node
  if (typeof name !== 'string' || !name.split('.').every(part => namePattern.test(part))) throw invalid(scope, 'a name')
  const space = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : typeof namespace === 'string' ? namespace : scope.namespace
  const full = (short: string) => short.includes('.') || space === '' ? short : `${space}.${short}`
  const fullName = full(name)
  if (scope.named.has(fullName) || primitives.has(fullName)) throw invalid(scope, `another name than ${fullName}`)
  return { names: { fullName, aliases: texts(node.aliases).map(full) }, inner: { ...scope, namespace: space } }
}

const texts = (json: unknown): string[] => Array.isArray(json) ? json.filter(text => typeof text === 'string') : []
const invalid = ({ path }: Scope, expected: string) => new AvroProblem({ at: path || '(top)', expected })
