import fc, { type GeneratorValue } from 'fast-check'
import { plain } from './kit.ts'

/** Random Avro schemas, data that fit them as avsc takes it (unions wrapped), and what is expected of it as plain values. */

type Json = string | readonly Json[] | { readonly [name: string]: unknown }
interface Field { readonly name: string, readonly type: Json, readonly default?: unknown }
export interface RecordSchema { readonly type: 'record', readonly name: string, readonly fields: readonly Field[] }

const logicals: readonly Json[] = [
  { type: 'long', logicalType: 'timestamp-millis' }, { type: 'long', logicalType: 'timestamp-micros' }, { type: 'long', logicalType: 'timestamp-nanos' }, { type: 'long', logicalType: 'local-timestamp-micros' },
  { type: 'int', logicalType: 'date' }, { type: 'int', logicalType: 'time-millis' }, { type: 'long', logicalType: 'time-micros' }, { type: 'string', logicalType: 'uuid' },
  { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 }, { type: 'bytes', logicalType: 'decimal', precision: 40, scale: 10 },
]
const primitives: readonly Json[] = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']

export class SchemaMaker {
  readonly #g: GeneratorValue
  #named = 0
  readonly #logical: boolean
  constructor (g: GeneratorValue, logical = true) {
    this.#g = g
    this.#logical = logical
  }

  #pick<T> (items: readonly T[]): T { return items[this.#upTo(items.length - 1)]! }
  #upTo (max: number): number { return this.#g(fc.nat, { max }) }
  #name (): string { this.#named += 1; return `N${this.#named}` }

  record (depth: number, extra: readonly Field[] = []): RecordSchema {
    const fields = Array.from({ length: this.#upTo(5) }, (_, index): Field => ({ name: `f${index}`, type: this.type(depth) }))
    for (const field of extra) fields.splice(this.#upTo(fields.length), 0, field)
    return { type: 'record', name: this.#name(), fields }
  }

  type (depth: number): Json {
    const roll = this.#upTo(depth > 0 ? 15 : 9)
    if (roll <= 5) return this.#pick(primitives)
    if (roll <= 7) return this.#pick(this.#logical ? logicals : primitives)
    if (roll === 8) return { type: 'enum', name: this.#name(), symbols: ['A', 'B', 'C'].slice(0, 1 + this.#upTo(2)) }
    if (roll === 9) return this.#fixed()
    if (roll <= 11) return this.#union(depth - 1)
    if (roll === 12) return { type: 'array', items: this.type(depth - 1) }
    if (roll === 13) return { type: 'map', values: this.type(depth - 1) }
    return this.record(depth - 1) as unknown as Json
  }

  #fixed (): Json {
    const name = this.#name()
    switch (this.#logical ? this.#upTo(3) : 3) {
      case 0: return { type: 'fixed', name, size: 16, logicalType: 'uuid' }
      case 1: return { type: 'fixed', name, size: 12, logicalType: 'duration' }
      case 2: return { type: 'fixed', name, size: 5, logicalType: 'decimal', precision: 11, scale: 2 }
      default: return { type: 'fixed', name, size: this.#upTo(9) }
    }
  }

  #union (depth: number): Json {
    if (this.#upTo(2) > 0) {
      const inner = this.type(depth)
      if (inner !== 'null' && !Array.isArray(inner)) return this.#upTo(1) === 0 ? ['null', inner] : [inner, 'null']
    }
    const branches: Json[] = []
    for (let i = this.#upTo(3); i >= 0; i -= 1) {
      const branch = this.type(depth)
      if (!Array.isArray(branch) && !branches.some(other => kindName(other) === kindName(branch))) branches.push(branch)
    }
    return branches.length === 0 ? ['null'] : branches
  }

  /** A value as avsc takes it. */
  value (type: Json): unknown {
    const g = this.#g
    if (Array.isArray(type)) {
      const branch = this.#pick(type as readonly Json[])
      return branch === 'null' ? null : { [kindName(branch)]: this.value(branch) }
    }
    const node = (typeof type === 'string' ? { type } : type) as { readonly type: string, readonly [name: string]: unknown }
    switch (node.type) {
      case 'null': return null
      case 'boolean': return g(fc.boolean)
      case 'int': return this.#upTo(1) === 0 ? g(fc.integer) : g(fc.integer, { min: -70, max: 70 })
      case 'long': return this.#upTo(1) === 0 ? g(fc.maxSafeInteger) % 9_007_199_254_740_990 : g(fc.integer, { min: -300, max: 300 })
      case 'float': return Math.fround(g(fc.float, { noNaN: true, min: Math.fround(-1e30), max: Math.fround(1e30) }))
      case 'double': return g(fc.double, { noNaN: true, min: -1e30, max: 1e30 })
      case 'bytes': return node.logicalType === 'decimal' ? this.#decimal(null) : Buffer.from(g(fc.uint8Array, { maxLength: 12 }))
      case 'string': return this.#upTo(20) === 0 ? 'x'.repeat(70 + this.#upTo(300)) : g(fc.string, { unit: 'grapheme', maxLength: 12 })
      case 'fixed': return node.logicalType === 'decimal' ? this.#decimal(node.size as number) : Buffer.from(g(fc.uint8Array, { minLength: node.size as number, maxLength: node.size as number }))
      case 'enum': return this.#pick(node.symbols as readonly string[])
      case 'array': return Array.from({ length: this.#upTo(4) }, () => this.value(node.items as Json))
      case 'map': return Object.fromEntries(Array.from({ length: this.#upTo(3) }, () => [`m${this.#upTo(99)}`, this.value(node.values as Json)]))
      default: return Object.fromEntries((node.fields as readonly Field[]).map(field => [field.name, this.value(field.type)]))
    }
  }

  /** Few digits, so that it fits every decimal here. */
  #decimal (size: number | null): Buffer {
    const unscaled = this.#g(fc.integer, { min: -99_999_999, max: 99_999_999 })
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt(unscaled))
    return Buffer.from(bytes.subarray(size === null ? 3 : 8 - size))
  }
}

function kindName (type: Json): string {
  const node = type as { readonly type?: unknown, readonly name?: string }
  return typeof type === 'string' ? type : node.name ?? String(node.type)
}

/** What is expected of a value that avsc gave for a type: unions unwrapped, logical types as Millrace has them. */
export function expected (type: Json, value: unknown): unknown {
  if (value === null) return null
  if (Array.isArray(type)) {
    const [name, inner] = Object.entries(value as object)[0]!
    return expected((type as readonly Json[]).find(branch => kindName(branch) === name)!, inner)
  }
  const node = (typeof type === 'string' ? { type } : type) as { readonly type: string, readonly logicalType?: string, readonly [name: string]: unknown }
  switch (node.type) {
    case 'array': return (value as readonly unknown[]).map(item => expected(node.items as Json, item))
    case 'map': return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, expected(node.values as Json, item)]))
    case 'record': return Object.fromEntries((node.fields as readonly Field[]).map(field => [field.name, expected(field.type, (value as Record<string, unknown>)[field.name])]))
    // Java rounds a whole number read as a float; avsc does not.
    case 'float': return Math.fround(value as number)
    case 'int': case 'long': return ofTime(node.logicalType, value as number)
    case 'bytes': case 'fixed': return ofBytes(node, value as Buffer)
    default: return value
  }
}

function ofTime (logicalType: string | undefined, value: number): number {
  if (logicalType === 'date') return value * 86_400_000
  return logicalType?.endsWith('micros') ? value / 1e3 : logicalType?.endsWith('nanos') ? value / 1e6 : value
}

function ofBytes (node: { readonly logicalType?: string, readonly [name: string]: unknown }, bytes: Buffer): unknown {
  switch (node.logicalType) {
    case 'uuid': return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    case 'duration': return { months: bytes.readUInt32LE(0), days: bytes.readUInt32LE(4), millis: bytes.readUInt32LE(8) }
    case 'decimal': {
      const unscaled = bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
      const scale = 10n ** BigInt(node.scale as number)
      const magnitude = unscaled < 0n ? -unscaled : unscaled
      return `${unscaled < 0n ? '-' : ''}${magnitude / scale}.${String(magnitude % scale).padStart(node.scale as number, '0')}`
    }
    default: return plain(bytes)
  }
}

/** The value at a path; null where a record on the way is. */
export function at (value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => inner === null ? null : (inner as Record<string, unknown>)[name], value)
}

const promotions: Readonly<Record<string, readonly string[]>> = { int: ['long', 'float', 'double'], long: ['float', 'double'], float: ['double'], string: ['bytes'], bytes: ['string'] }
const added = [
  { type: 'int', default: 7 }, { type: 'string', default: 'd\u00e9faut' }, { type: ['null', 'double'], default: null }, { type: 'boolean', default: true }, { type: { type: 'array', items: 'int' }, default: [1, 2] },
  { type: { type: 'map', values: 'string' }, default: { a: 'b' } }, { type: 'double', default: 2.5 }, { type: 'bytes', default: '\u00ff\u0001' }, { type: ['long', 'null'], default: 3 },
] as const

/** A contract that may read what `type` writes: promoted, widened to a union, without fields, with new ones and with aliases. */
export function evolved (g: GeneratorValue, type: unknown, top = false): unknown {
  const often = () => g(fc.nat, { max: 2 }) === 0
  if (typeof type === 'string') {
    const wider = promotions[type]
    const chosen = wider !== undefined && often() && type !== 'bytes' ? wider[g(fc.nat, { max: wider.length - 1 })] : type
    return often() && chosen !== 'null' ? ['null', chosen] : chosen
  }
  if (Array.isArray(type)) return type.map(branch => typeof branch === 'object' ? evolved(g, branch, true) : branch)
  const node = type as { readonly type: string, readonly logicalType?: string, readonly [name: string]: unknown }
  switch (node.type) {
    case 'array': return { ...node, items: evolved(g, node.items) }
    case 'map': return { ...node, values: evolved(g, node.values) }
    case 'record': {
      const fields = (node.fields as readonly { readonly name: string, readonly type: unknown }[]).filter(({ name }) => (top && ['k', 't'].includes(name)) || !often())
        .map(field => ['k', 't'].includes(field.name) ? field : { ...field, type: evolved(g, field.type), ...often() ? { name: `new_${field.name}`, aliases: [field.name] } : {} })
      if (often()) fields.reverse()
      if (often()) fields.splice(g(fc.nat, { max: fields.length }), 0, { name: 'added', ...added[g(fc.nat, { max: added.length - 1 })]! })
      return { ...node, fields }
    }
    default: return node
  }
}
