import type { AvroType, Enum, Fixed, RecordField, RecordOf } from './avro-schema.ts'

/** The kinds of Avro's own SchemaCompatibility, and one that it throws for. */
export type IncompatibilityKind = 'AMBIGUOUS_FIELD' | 'NAME_MISMATCH' | 'FIXED_SIZE_MISMATCH' | 'MISSING_ENUM_SYMBOLS' | 'READER_FIELD_MISSING_DEFAULT_VALUE' | 'TYPE_MISMATCH' | 'MISSING_UNION_BRANCH'

/** One reason why a reader cannot read all that a writer writes. */
export interface Incompatibility {
  readonly kind: IncompatibilityKind
  /** JSON pointer into the reader's schema, as Java prints it. */
  readonly pointer: string
  /** The same in the names of fields: `engine.sensors[].celsius`; empty at the top. */
  readonly path: string
  readonly says: string
}

/** Levels as registries name them: which of new and old must read the other, and whether against the latest or all versions. */
export const compatibilityLevels = ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'] as const
export type CompatibilityLevel = typeof compatibilityLevels[number]

/** A conflict of a level: which direction fails against which earlier schema (index into `earlier`). */
export interface Conflict extends Incompatibility { readonly against: number, readonly direction: 'backward' | 'forward' }

/**
 * Why a schema may not follow earlier ones under a level; empty when it may.
 *
 * Shape: `earlier` from the first version to the latest
 */
export function conflicts (level: CompatibilityLevel, next: AvroType, earlier: readonly AvroType[]): readonly Conflict[] {
  if (level === 'NONE') return []
  const first = level.endsWith('_TRANSITIVE') ? 0 : Math.max(0, earlier.length - 1)
  const found: Conflict[] = []
  for (let against = earlier.length - 1; against >= first; against -= 1) {
    const old = earlier[against]!
    if (!level.startsWith('FORWARD')) found.push(...incompatibilities({ reader: next, writer: old }).map(one => ({ ...one, against, direction: 'backward' as const })))
    if (!level.startsWith('BACKWARD')) found.push(...incompatibilities({ reader: old, writer: next }).map(one => ({ ...one, against, direction: 'forward' as const })))
  }
  return found
}

interface Place { readonly pointer: string, readonly path: string }
/** Of each pair under way or done; a pair met again while under way counts as compatible. */
type Memo = Map<AvroType, Map<AvroType, readonly Incompatibility[]>>

/**
 * All reasons why data of `writer` cannot be read as `reader`; empty when all of it can.
 *
 * Source: Avro 1.12, "Schema Resolution"; agrees with Java's SchemaCompatibility in verdict, kinds and places
 *         (test/data/avro-compatibility)
 */
export function incompatibilities ({ reader, writer }: { readonly reader: AvroType, readonly writer: AvroType }): readonly Incompatibility[] {
  return compare(reader, writer, { pointer: '', path: '' }, new Map())
}

function compare (reader: AvroType, writer: AvroType, place: Place, memo: Memo): readonly Incompatibility[] {
  const known = memo.get(reader)?.get(writer)
  if (known !== undefined) return known
  const pairs = memo.get(reader) ?? new Map<AvroType, readonly Incompatibility[]>()
  memo.set(reader, pairs)
  pairs.set(writer, [])
  const found = reader.kind === writer.kind ? sameKind(reader, writer, place, memo) : otherKind(reader, writer, place, memo)
  pairs.set(writer, found)
  return found
}

function sameKind (reader: AvroType, writer: AvroType, place: Place, memo: Memo): readonly Incompatibility[] {
  switch (reader.kind) {
    case 'array': return compare(reader.items, (writer as typeof reader).items, { pointer: `${place.pointer}/items`, path: `${place.path}[]` }, memo)
    case 'map': return compare(reader.values, (writer as typeof reader).values, { pointer: `${place.pointer}/values`, path: `${place.path}{}` }, memo)
    case 'fixed': return [...names(reader, writer as Fixed, place), ...sizes(reader, writer as Fixed, place)]
    case 'enum': return [...names(reader, writer as Enum, place), ...symbols(reader, writer as Enum, place)]
    case 'record': return [...names(reader, writer as RecordOf, place), ...fields(reader, writer as RecordOf, place, memo)]
    case 'union': return (writer as typeof reader).branches.flatMap((branch, index) => compare(reader, branch, { ...place, pointer: `${place.pointer}/${index}` }, memo))
    default: return []
  }
}

const promotions: Readonly<Record<string, readonly string[]>> = { long: ['int'], float: ['int', 'long'], double: ['int', 'long', 'float'], bytes: ['string'], string: ['bytes'] }

function otherKind (reader: AvroType, writer: AvroType, place: Place, memo: Memo): readonly Incompatibility[] {
  if (writer.kind === 'union') return writer.branches.flatMap((branch, index) => compare(reader, branch, { ...place, pointer: `${place.pointer}/${index}` }, memo))
  if (reader.kind === 'union') {
    const fits = reader.branches.some((branch, index) => compare(branch, writer, { ...place, pointer: `${place.pointer}/${index}` }, memo).length === 0)
    return fits ? [] : [problem('MISSING_UNION_BRANCH', place, `the reader's union (${words(reader)}) has no branch for ${words(writer)}`)]
  }
  return promotions[reader.kind]?.includes(writer.kind) ? [] : [problem('TYPE_MISMATCH', place, `the reader has ${words(reader)}, the writer ${words(writer)}`)]
}

type Named = RecordOf | Enum | Fixed

function names (reader: Named, writer: Named, { pointer, path }: Place): readonly Incompatibility[] {
  if (shortName(reader.fullName) === shortName(writer.fullName) || reader.aliases.includes(writer.fullName)) return []
  return [problem('NAME_MISMATCH', { pointer: `${pointer}/name`, path }, `the reader's ${reader.kind} is called ${reader.fullName}, the writer's ${writer.fullName}, and no alias joins them`)]
}

function sizes (reader: Fixed, writer: Fixed, { pointer, path }: Place): readonly Incompatibility[] {
  return reader.size === writer.size ? [] : [problem('FIXED_SIZE_MISMATCH', { pointer: `${pointer}/size`, path }, `the reader's ${reader.fullName} has ${reader.size} bytes, the writer's ${writer.size}`)]
}

function symbols (reader: Enum, writer: Enum, { pointer, path }: Place): readonly Incompatibility[] {
  const missing = writer.symbols.filter(symbol => !reader.symbols.includes(symbol))
  if (missing.length === 0 || reader.otherwise !== null) return []
  return [problem('MISSING_ENUM_SYMBOLS', { pointer: `${pointer}/symbols`, path }, `the reader's ${reader.fullName} lacks ${missing.join(', ')} and has no default`)]
}

function fields (reader: RecordOf, writer: RecordOf, place: Place, memo: Memo): readonly Incompatibility[] {
  return reader.fields.flatMap((field, index) => {
    const pointer = `${place.pointer}/fields/${index}`
    const path = place.path === '' ? field.name : `${place.path}.${field.name}`
    const [written, other] = writerFields(field, writer)
    if (other !== undefined) return [problem('AMBIGUOUS_FIELD', { pointer, path }, `by its name and aliases the reader's field is both ${written!.name} and ${other.name} of the writer`)]
    if (written !== undefined) return compare(field.type, written.type, { pointer: `${pointer}/type`, path }, memo)
    return field.otherwise === undefined ? [problem('READER_FIELD_MISSING_DEFAULT_VALUE', { pointer, path }, 'the reader has the field without a default, and the writer lacks it')] : []
  })
}

function writerFields ({ name, aliases }: RecordField, writer: RecordOf): readonly RecordField[] {
  return writer.fields.filter(field => field.name === name || aliases.includes(field.name))
}

function problem (kind: IncompatibilityKind, { pointer, path }: Place, says: string): Incompatibility {
  return { kind, pointer: pointer === '' ? '/' : pointer, path, says: path === '' ? says : `${path}: ${says}` }
}

const shortName = (fullName: string) => fullName.slice(fullName.lastIndexOf('.') + 1)

function words (type: AvroType): string {
  if (type.kind === 'union') return type.branches.map(words).join(', ')
  return 'fullName' in type ? `${type.kind} ${type.fullName}` : type.kind
}
