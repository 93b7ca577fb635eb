import { type Dialect, Reader, Writer } from './wire.ts'

/** One field of a message: how it is written and how it is read. */
export interface Field<T> { readonly write: (to: Writer, value: T) => void, readonly read: (from: Reader) => T }
/** A field of a request of which only one value is ever written, so that nobody has to give it. */
export interface Fixed { readonly write: (to: Writer) => void, readonly read: (from: Reader) => unknown, readonly fixed: true }
type AnyField = { readonly write: (to: Writer, value: never) => void, readonly read: (from: Reader) => unknown } | Fixed
export type Fields = Readonly<Record<string, AnyField>>
export type Given<F extends Fields> = { readonly [K in keyof F as F[K] extends Fixed ? never : K]: ReturnType<F[K]['read']> }
export type ValueOf<F> = F extends Field<infer T> ? T : never

export const int8: Field<number> = { write: (to, value) => { to.int8(value) }, read: from => from.int8() }
export const int16: Field<number> = { write: (to, value) => { to.int16(value) }, read: from => from.int16() }
export const int32: Field<number> = { write: (to, value) => { to.int32(value) }, read: from => from.int32() }
export const int64: Field<bigint> = { write: (to, value) => { to.int64(value) }, read: from => from.int64() }
/** An int64 that is an offset or a time, and so far from 2^53. Errors: RangeError when it is not */
export const int53: Field<number> = {
  write: (to, value) => { to.int64(BigInt(value)) },
  read: from => {
    const value = Number(from.int64())
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} where an offset or a time should be`)
    return value
  },
}
export const bool: Field<boolean> = { write: (to, value) => { to.int8(value ? 1 : 0) }, read: from => from.int8() !== 0 }

export const nullableString: Field<string | null> = {
  write: (to, value) => { if (value === null) to.length(null, false); else to.text(value) },
  read: from => {
    const length = from.length(false)
    return length === null ? null : from.text(length)
  },
}
export const string: Field<string> = { write: (to, value) => { to.text(value) }, read: from => present(nullableString.read(from)) }

export const nullableBytes: Field<Uint8Array | null> = {
  write: (to, value) => {
    to.length(value?.length ?? null, true)
    if (value !== null) to.bytes(value)
  },
  read: from => {
    const length = from.length(true)
    return length === null ? null : from.bytes(length)
  },
}
/** What is read is a view of what was received. */
export const bytes: Field<Uint8Array> = { write: nullableBytes.write, read: from => present(nullableBytes.read(from)) }

export const uuid: Field<string> = {
  write: (to, value) => { to.bytes(Buffer.from(value.replaceAll('-', ''), 'hex')) },
  read: from => from.bytes(16).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
}
/** No topic. */
export const noUuid = '00000000-0000-0000-0000-000000000000'

export function nullableArray<T> (of: Field<T>): Field<readonly T[] | null> {
  return {
    write: (to, values) => {
      to.length(values?.length ?? null, true)
      for (const value of values ?? []) of.write(to, value)
    },
    read: from => {
      const length = from.length(true)
      if (length === null) return null
      const values: T[] = []
      while (values.length < length) values.push(of.read(from))
      return values
    },
  }
}

export function array<T> (of: Field<T>): Field<readonly T[]> {
  const nullable = nullableArray(of)
  return { write: nullable.write, read: from => present(nullable.read(from)) }
}

/** Fields one after another; where the dialect has tags, those in `tags` are read, others passed over, and none is written. */
export function struct<F extends Fields> (fields: F): Field<Given<F>>
export function struct<F extends Fields, G extends Tags> (fields: F, tags: G): Field<Given<F> & Tagged<G>>
export function struct (fields: Fields, tags: Tags = {}): Field<Readonly<Record<string, unknown>>> {
  const entries = Object.entries(fields) as unknown as readonly (readonly [string, Field<unknown>])[]
  return {
    write: (to, value) => {
      for (const [name, field] of entries) field.write(to, value[name])
      if (to.flexible) to.varint(0)
    },
    read: from => {
      const value: Record<string, unknown> = {}
      for (const [name, field] of entries) value[name] = field.read(from)
      for (const [name, { otherwise }] of Object.entries(tags)) value[name] = otherwise
      if (from.flexible) readTags(from, tags, value)
      return value
    },
  }
}

export interface Tag<T> { readonly tag: number, readonly field: Field<T>, readonly otherwise: T }
type Tags = Readonly<Record<string, { readonly tag: number, readonly field: AnyField, readonly otherwise: unknown }>>
type Tagged<G extends Tags> = { readonly [K in keyof G]: G[K]['otherwise'] }
export const tagged = <T>(tag: number, field: Field<T>, otherwise: T): Tag<T> => ({ tag, field, otherwise })

function readTags (from: Reader, tags: Tags, value: Record<string, unknown>): void {
  for (let left = from.varint(); left > 0; left -= 1) {
    const tag = from.varint()
    const content = new Reader(from.bytes(from.varint()), from)
    for (const [name, known] of Object.entries(tags)) if (known.tag === tag) value[name] = known.field.read(content)
  }
}

/** Always the same when written. */
export const fixed = <T>(field: Field<T>, value: T): Fixed => ({ write: to => { field.write(to, value) }, read: field.read, fixed: true })

/** In answers: there from `version` on. */
export const since = <T>(version: number, field: Field<T>, otherwise: T): Field<T> => ({
  write: (to, value) => { if (to.version >= version) field.write(to, value) },
  read: from => from.version >= version ? field.read(from) : otherwise,
})

/** In requests: there in versions before `version`. */
export const before = (version: number, field: Fixed): Fixed => ({ ...field, write: to => { if (to.version < version) field.write(to) } })

/** In requests: there from `version` on. */
export const from = (version: number, field: Fixed): Fixed => ({ ...field, write: to => { if (to.version >= version) field.write(to) } })

/** A message by itself, outside of a request. */
export function encode<T> (field: Field<T>, value: T, dialect: Dialect): Buffer {
  const writer = new Writer(dialect)
  field.write(writer, value)
  return Buffer.concat(writer.finish().pieces)
}

/** Errors: RangeError */
export const decode = <T>(field: Field<T>, from: Uint8Array, dialect: Dialect): T => field.read(new Reader(from, dialect))

function present<T> (value: T | null): T {
  if (value === null) throw new RangeError('null where a value should be')
  return value
}
