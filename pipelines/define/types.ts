import { StreamError } from '../core/errors.ts'

/** How the printed file makes its contract: `from` is what it imports `contract` from. */
export interface TypesOptions { readonly subject: string, readonly version: number, readonly from?: string }
type Json = Readonly<Record<string, unknown>>
interface Printing { readonly texts: Map<string, string>, readonly names: Map<string, string>, readonly enums: Map<string, string>, namespace: string }

/**
 * TypeScript types and the contract value of an Avro schema, as the text of a module.
 *
 * Shape:  one interface per record, `export const <name> = contract<Name>({ ... })` for the outermost; the values are those
 *         decode gives: times are milliseconds as numbers, bytes Uint8Array, enums unions of texts, decimals numbers or text
 * Errors: SCHEMA_INVALID when the JSON is no Avro record
 */
export function typesOf (avro: string, { subject, version, from = 'millrace' }: TypesOptions): string {
  let json: unknown
  try { json = JSON.parse(avro) } catch (cause) { throw new StreamError('SCHEMA_INVALID', { expected: 'JSON' }, { cause }) }
  if (!isJson(json) || json.type !== 'record' || typeof json.name !== 'string') throw new StreamError('SCHEMA_INVALID', { at: '(top)', expected: 'a record' })
  const printing: Printing = { texts: new Map(), names: new Map(), enums: new Map(), namespace: '' }
  const top = typeOf(json, printing)
  const interfaces = [...printing.texts.values()].reverse().join('\n')
  return `// Printed from the schema by \`millrace types\`; edit that instead.
import { contract } from ${quoted(from)}

${interfaces}
export const ${lowerFirst(top)} = contract<${top}>({
  subject: ${quoted(subject)},
  version: ${version},
  schema: ${literal(json)},
})
`
}

function typeOf (type: unknown, printing: Printing): string {
  if (Array.isArray(type)) return [...new Set(type.map(branch => typeOf(branch, printing)))].join(' | ')
  if (typeof type === 'string') return primitives[type] ?? named(type, printing)
  if (!isJson(type)) throw new StreamError('SCHEMA_INVALID', { expected: 'a type', given: type })
  switch (type.type) {
    case 'record': case 'error': return recordOf(type, printing)
    case 'enum': return enumOf(type, printing)
    case 'fixed': { const text = logicalOf(type) ?? 'Uint8Array'; printing.enums.set(fullName(type, printing), text); return text }
    case 'array': { const items = typeOf(type.items, printing); return `readonly ${/ /.test(items) ? `(${items})` : items}[]` }
    case 'map': return `Readonly<Record<string, ${typeOf(type.values, printing)}>>`
    default: return logicalOf(type) ?? typeOf(type.type, printing)
  }
}

const primitives: Readonly<Record<string, string>> = { null: 'null', boolean: 'boolean', int: 'number', long: 'number', float: 'number', double: 'number', string: 'string', bytes: 'Uint8Array' }
/** Decimals of more digits than a double holds are texts. */
const decimalDigitsMax = 15

function logicalOf ({ type, logicalType, precision }: Json): string | null {
  if (logicalType === 'uuid') return 'string'
  if (logicalType === 'decimal' && (type === 'bytes' || type === 'fixed')) return Number(precision) <= decimalDigitsMax ? 'number' : 'string'
  return null
}

function named (name: string, printing: Printing): string {
  const full = name.includes('.') || printing.namespace === '' ? name : `${printing.namespace}.${name}`
  const text = printing.names.get(full) ?? printing.enums.get(full) ?? printing.names.get(name) ?? printing.enums.get(name)
  if (text === undefined) throw new StreamError('SCHEMA_INVALID', { unknownType: name })
  return text
}

function fullName ({ name, namespace }: Json, printing: Printing): string {
  const short = String(name)
  const space = typeof namespace === 'string' ? namespace : printing.namespace
  return short.includes('.') || space === '' ? short : `${space}.${short}`
}

function recordOf (record: Json, printing: Printing): string {
  const full = fullName(record, printing)
  const short = typeName(full.slice(full.lastIndexOf('.') + 1))
  const taken = [...printing.names.values()].filter(name => name === short || name.startsWith(`${short}_`)).length
  const name = taken === 0 ? short : `${short}_${taken + 1}`
  printing.names.set(full, name)
  if (!Array.isArray(record.fields)) throw new StreamError('SCHEMA_INVALID', { at: full, expected: 'fields' })
  const outer = printing.namespace
  printing.namespace = full.slice(0, Math.max(0, full.lastIndexOf('.')))
  const fields = (record.fields as readonly Json[]).map(field => `${comment([unitText(field), field.doc], '  ')}  readonly ${String(field.name)}: ${typeOf(field.type, printing)}\n`)
  printing.namespace = outer
  printing.texts.set(full, `${comment([record.doc], '')}export interface ${name} {\n${fields.join('')}}\n`)
  return name
}

function enumOf (type: Json, printing: Printing): string {
  if (!Array.isArray(type.symbols)) throw new StreamError('SCHEMA_INVALID', { at: String(type.name), expected: 'symbols' })
  const text = type.symbols.map(symbol => quoted(String(symbol))).join(' | ')
  printing.enums.set(fullName(type, printing), text)
  return text
}

const unitText = ({ unit }: Json) => typeof unit === 'string' ? `Unit: ${unit}.` : null

function comment (parts: readonly unknown[], indent: string): string {
  const text = parts.filter(part => typeof part === 'string' && part !== '').join(' ').replaceAll('*/', '* /').replace(/\s+/g, ' ')
  return text === '' ? '' : `${indent}/** ${text} */\n`
}

/** JSON as a TypeScript literal in the style of the sources: one field of a record a line. */
function literal (value: unknown, indent = '  '): string {
  if (Array.isArray(value)) {
    const wide = value.some(isJson)
    const items = value.map(item => literal(item, wide ? `${indent}  ` : indent))
    return wide ? `[\n${items.map(item => `${indent}  ${item},\n`).join('')}${indent}]` : `[${items.join(', ')}]`
  }
  if (isJson(value)) return `{ ${Object.entries(value).map(([name, member]) => `${/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)}: ${literal(member, indent)}`).join(', ')} }`
  return typeof value === 'string' ? quoted(value) : JSON.stringify(value)
}

const quoted = (text: string) => `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
const typeName = (name: string) => name[0]!.toUpperCase() + name.slice(1)
const lowerFirst = (name: string) => name[0]!.toLowerCase() + name.slice(1)
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
