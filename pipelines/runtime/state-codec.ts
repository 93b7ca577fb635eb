import assert from 'node:assert/strict'
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
 * Limits: 4 GiB
 * Errors: STATE_CORRUPT for bytes that are not what was written, STATE_VERSION for another engine's
 */
export function encodeState (state: StateTree): Uint8Array {
  const flat = flatten(state)
  const { columns } = flat
  const skeleton = new TextEncoder().encode(flat.skeleton)
  let length = aligned(headerBytes + skeleton.length)
  for (const column of columns) length = aligned(length + column.byteLength)
  assert(length < 2 ** 32, 'state of one task is below 4 GiB')
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
  const skeleton = new TextDecoder().decode(bytes.subarray(headerBytes, headerBytes + skeletonBytes))
  let at = aligned(headerBytes + skeletonBytes)
  const columns = columnsOf(skeleton).map(({ kind, length }) => {
    const byteLength = length * arrays[kind].BYTES_PER_ELEMENT
    const column = new arrays[kind](bytes.slice(at, at + byteLength).buffer)
    at = aligned(at + byteLength)
    return column
  })
  return unflatten({ skeleton, columns })
}

/** A state tree as its skeleton (JSON) and its columns, in the order of the tree. */
export interface Flat { readonly skeleton: string, readonly columns: readonly TypedArray[] }

export function flatten (state: StateTree): Flat {
  const columns: TypedArray[] = []
  return { skeleton: JSON.stringify(fold(state, columns)), columns }
}

/** About as many bytes as it encodes to. */
export const flatBytes = ({ skeleton, columns }: Flat): number => columns.reduce((sum, { byteLength }) => sum + aligned(byteLength), headerBytes + skeleton.length)

export function unflatten ({ skeleton, columns }: Flat): StateTree {
  return unfold(JSON.parse(skeleton) as Folded, { columns, at: 0 }) as StateTree
}

const blockBytes = 1 << 16

/**
 * What changed between two states of the same stages, in blocks of 64 KiB of each column.
 *
 * Shape:  bytes of a state tree of its own; null when the columns are not the same ones in number or kind
 */
export function stateDelta (before: Flat, after: Flat): Uint8Array | null {
  if (before.columns.length !== after.columns.length) return null
  const where: number[] = []
  const blocks: Uint8Array[] = []
  for (const [index, column] of after.columns.entries()) {
    const old = before.columns[index]!
    if (old.constructor !== column.constructor) return null
    const oldBytes = bytesOf(old)
    const bytes = bytesOf(column)
    for (let from = 0; from < bytes.length; from += blockBytes) {
      const block = bytes.subarray(from, from + blockBytes)
      if (Buffer.compare(block, oldBytes.subarray(from, from + blockBytes)) === 0) continue
      where.push(index, from / blockBytes)
      blocks.push(block)
    }
  }
  return encodeState({ skeleton: after.skeleton, where: Int32Array.from(where), data: Buffer.concat(blocks) })
}

/** The later state, from the earlier one and `decodeState` of a delta. */
export function applyDelta (before: Flat, delta: StateTree): Flat {
  const skeleton = delta.skeleton as string
  const where = delta.where as Int32Array
  const data = delta.data as Uint8Array
  const columns = columnsOf(skeleton).map(({ kind, length }, index) => {
    const column = new arrays[kind](length)
    const bytes = bytesOf(column)
    bytes.set(bytesOf(before.columns[index]!).subarray(0, bytes.length))
    return column
  })
  let at = 0
  for (let i = 0; i < where.length; i += 2) {
    const bytes = bytesOf(columns[where[i]!]!)
    const from = where[i + 1]! * blockBytes
    const length = Math.min(blockBytes, bytes.length - from)
    bytes.set(data.subarray(at, at + length), from)
    at += length
  }
  return { skeleton, columns }
}

const bytesOf = (column: TypedArray) => new Uint8Array(column.buffer, column.byteOffset, column.byteLength)

/** Kind and length of every column that a skeleton names, in order. */
function columnsOf (skeleton: string): readonly { readonly kind: ArrayKind, readonly length: number }[] {
  const found: { kind: ArrayKind, length: number }[] = []
  const walk = (value: Folded): void => {
    if (value === null || typeof value !== 'object') return
    if (!Array.isArray(value)) {
      for (const inner of Object.values(value)) walk(inner as Folded)
      return
    }
    const [kind, ...rest] = value as [string, ...Folded[]]
    if (kind === 'list') for (const inner of rest) walk(inner as Folded)
    else if (kind in arrays) found.push({ kind: kind as ArrayKind, length: rest[0] as number })
  }
  walk(JSON.parse(skeleton) as Folded)
  return found
}

const aligned = (at: number) => Math.ceil(at / 8) * 8

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

function kindOf (array: TypedArray): ArrayKind {
  const kind = (Object.keys(arrays) as ArrayKind[]).find(name => array instanceof arrays[name])
  assert(kind !== undefined, 'state holds columns of the kinds that the codec knows')
  return kind
}

function unfold (value: Folded, cursor: { readonly columns: readonly TypedArray[], at: number }): StateValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value
  if (!Array.isArray(value)) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, unfold(inner as Folded, cursor)]))
  const [kind, ...rest] = value as [string, ...unknown[]]
  if (kind === 'text') return rest[0] as string
  if (kind === 'number') return Number(rest[0])
  if (kind === 'list') return rest.map(inner => unfold(inner as Folded, cursor))
  cursor.at += 1
  return cursor.columns[cursor.at - 1]!
}
