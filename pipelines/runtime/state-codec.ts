import { crc32c } from '../core/crc32c.ts'
import { StreamError } from '../core/errors.ts'
import type { StateTree, StateValue, TypedArray } from '../core/state.ts'

/** Grows whenever the same state would lead to other output. A snapshot of another version is not restored. */
export const semanticsVersion = 1

const magic = 0x4d524353
const headerBytes = 20
const arrays = { f64: Float64Array, i32: Int32Array, u32: Uint32Array, u16: Uint16Array, u8: Uint8Array, i64: BigInt64Array } as const
type ArrayKind = keyof typeof arrays

/**
 * State as bytes: a JSON skeleton, then the columns as they lie in memory (little endian), each at a multiple of 8.
 *
 * Shape:  magic, version, CRC-32C of all that follows, length of the skeleton, number of bytes; skeleton; columns
 * Errors: STATE_CORRUPT for bytes that are not what was written, STATE_VERSION for another engine's
 */
export function encodeState (state: StateTree): Uint8Array {
  const columns: TypedArray[] = []
  const skeleton = new TextEncoder().encode(JSON.stringify(fold(state, columns)))
  let length = aligned(headerBytes + skeleton.length)
  for (const column of columns) length = aligned(length + column.byteLength)
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  bytes.set(skeleton, headerBytes)
  let at = aligned(headerBytes + skeleton.length)
  for (const column of columns) {
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at)
    at = aligned(at + column.byteLength)
  }
  view.setUint32(0, magic)
  view.setUint32(4, semanticsVersion)
  view.setUint32(12, skeleton.length)
  view.setUint32(16, length)
  view.setUint32(8, crc32c(bytes.subarray(12)))
  return bytes
}

export function decodeState (bytes: Uint8Array): StateTree {
  if (bytes.length < headerBytes) throw new StreamError('STATE_CORRUPT', { bytes: bytes.length })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== magic) throw new StreamError('STATE_CORRUPT', { magic: view.getUint32(0) })
  if (view.getUint32(16) !== bytes.length || view.getUint32(8) !== crc32c(bytes.subarray(12))) throw new StreamError('STATE_CORRUPT', { bytes: bytes.length, expected: view.getUint32(16) })
  if (view.getUint32(4) !== semanticsVersion) throw new StreamError('STATE_VERSION', { state: view.getUint32(4), engine: semanticsVersion })
  const skeletonBytes = view.getUint32(12)
  const skeleton = JSON.parse(new TextDecoder().decode(bytes.subarray(headerBytes, headerBytes + skeletonBytes))) as Folded
  return unfold(skeleton, { bytes, at: aligned(headerBytes + skeletonBytes) }) as StateTree
}

const aligned = (at: number) => (at + 7) & ~7

/** Columns become [kind, length]; lists ['list', ...]; numbers that JSON does not have become text. */
type Folded = null | boolean | number | readonly unknown[] | { readonly [name: string]: Folded }

function fold (value: StateValue, columns: TypedArray[]): Folded {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : ['number', Object.is(value, -0) ? '-0' : String(value)]
  if (typeof value === 'string') return ['text', value]
  if (ArrayBuffer.isView(value)) {
    columns.push(value)
    return [kindOf(value), value.length]
  }
  if (isList(value)) return ['list', ...value.map(inner => fold(inner, columns))]
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, fold(inner, columns)]))
}

const isList = (value: StateTree | readonly StateValue[]): value is readonly StateValue[] => Array.isArray(value)
const kindOf = (array: TypedArray): ArrayKind => (Object.keys(arrays) as ArrayKind[]).find(kind => array instanceof arrays[kind])!

function unfold (value: Folded, cursor: { readonly bytes: Uint8Array, at: number }): StateValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value
  if (!Array.isArray(value)) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, unfold(inner as Folded, cursor)]))
  const [kind, ...rest] = value as [string, ...unknown[]]
  if (kind === 'text') return rest[0] as string
  if (kind === 'number') return Number(rest[0])
  if (kind === 'list') return rest.map(inner => unfold(inner as Folded, cursor))
  const Column = arrays[kind as ArrayKind]
  const byteLength = (rest[0] as number) * Column.BYTES_PER_ELEMENT
  const buffer = cursor.bytes.slice(cursor.at, cursor.at + byteLength).buffer
  cursor.at = aligned(cursor.at + byteLength)
  return new Column(buffer)
}
