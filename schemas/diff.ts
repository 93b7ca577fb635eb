import { type AvroType, parseAvro, type RecordOf } from './avro-schema.ts'
import { incompatibilities } from './compatibility.ts'

/** `from` and `to` are types in words, with the default where there is one; null where the field is not there. */
export interface FieldChange { readonly field: string, readonly from: string | null, readonly to: string | null }

export interface SchemaDiff {
  readonly changes: readonly FieldChange[]
  /** Why readers of the second cannot read data of the first (an upgrade of consumers first), and the other way round. */
  readonly backward: readonly string[]
  readonly forward: readonly string[]
  readonly safe: 'FULL' | 'BACKWARD' | 'FORWARD' | 'NONE'
}

/**
 * What changed from one schema to another, field by field, and in which direction it is safe.
 *
 * Errors: AvroProblem
 */
export function schemaDiff (first: string, second: string): SchemaDiff {
  const [before, after] = [parseAvro(first), parseAvro(second)]
  const [was, is] = [linesOf(before), linesOf(after)]
  const names = [...new Set([...is.keys(), ...was.keys()])]
  const changes = names.flatMap(field => was.get(field) === is.get(field) ? [] : [{ field, from: was.get(field) ?? null, to: is.get(field) ?? null }])
  const backward = incompatibilities({ reader: after, writer: before }).map(({ says }) => says)
  const forward = incompatibilities({ reader: before, writer: after }).map(({ says }) => says)
  const safe = backward.length === 0 ? forward.length === 0 ? 'FULL' : 'BACKWARD' : forward.length === 0 ? 'FORWARD' : 'NONE'
  return { changes, backward, forward, safe }
}

function linesOf (type: AvroType): Map<string, string> {
  const lines = new Map<string, string>()
  if (type.kind === 'record') walk(type, '', { lines, within: [] })
  else lines.set('', words(type))
  return lines
}

function walk (record: RecordOf, above: string, { lines, within }: { readonly lines: Map<string, string>, readonly within: readonly RecordOf[] }): void {
  for (const { name, type, otherwise, unit, aliases } of record.fields) {
    const path = above === '' ? name : `${above}.${name}`
    lines.set(path, `${words(type)}${unit === null ? '' : ` in ${unit}`}${otherwise === undefined ? '' : ` = ${JSON.stringify(otherwise)}`}${aliases.length === 0 ? '' : ` (also ${aliases.join(', ')})`}`)
    for (const inner of recordsIn(type)) if (!within.includes(inner) && inner !== record) walk(inner, path, { lines, within: [...within, record] })
  }
}

function recordsIn (type: AvroType): readonly RecordOf[] {
  switch (type.kind) {
    case 'record': return [type]
    case 'array': return recordsIn(type.items)
    case 'map': return recordsIn(type.values)
    case 'union': return type.branches.flatMap(recordsIn)
    default: return []
  }
}

function words (type: AvroType): string {
  switch (type.kind) {
    case 'union': return type.branches.map(words).join(' | ')
    case 'array': return `array of ${words(type.items)}`
    case 'map': return `map of ${words(type.values)}`
    case 'record': return `record ${type.fullName}`
    case 'enum': return `enum ${type.fullName} { ${type.symbols.join(', ')} }${type.otherwise === null ? '' : ` = ${type.otherwise}`}`
    case 'fixed': return `fixed ${type.fullName} of ${type.size} bytes${logical(type.logical)}`
    default: return `${type.kind}${logical(type.logical)}`
  }
}

const logical = (found: { readonly name: string, readonly scale: number, readonly precision: number } | null) => found === null ? '' : found.name === 'decimal' ? ` (decimal ${found.precision},${found.scale})` : ` (${found.name})`
