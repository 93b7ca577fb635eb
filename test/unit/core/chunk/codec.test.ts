import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cell, type Column, type ColumnSpec, createColumn } from '../../../../pipelines/core/batch.ts'
import type { ReadingBlock } from '../../../../pipelines/core/chunk/block.ts'
import { decodeChunk } from '../../../../pipelines/core/chunk/decode.ts'
import { encodeChunk } from '../../../../pipelines/core/chunk/encode.ts'
import { crc32c } from '../../../../pipelines/core/crc32c.ts'
import { StreamError } from '../../../../pipelines/core/errors.ts'

const specs = [{ name: 'celsius', kind: 'number' }, { name: 'doorOpen', kind: 'bool' }, { name: 'site', kind: 'text' }, { name: 'hPa', kind: 'number' }] as const satisfies readonly ColumnSpec[]
type Cell = number | boolean | string | null
interface Row { readonly at: number, readonly arrival: number, readonly offset: number, readonly cells: readonly Cell[] }

function column (spec: ColumnSpec, cells: readonly Cell[]): Column {
  const made = createColumn(spec, cells.length)
  cells.forEach((value, row) => {
    if (value === null) return
    made.known[row] = 1
    if (made.kind === 'text') made.values[row] = made.dictionary.internText(value as string)
    else made.values[row] = Number(value)
  })
  return made
}

const block = (rows: readonly Row[], columns: readonly ColumnSpec[] = specs): ReadingBlock => ({
  count: rows.length, at: Float64Array.from(rows, row => row.at), arrival: Float64Array.from(rows, row => row.arrival), offset: Float64Array.from(rows, row => row.offset),
  columns: columns.map((spec, index) => column(spec, rows.map(row => row.cells[index]!))),
})

function rowsOf ({ count, at, arrival, offset, columns }: ReadingBlock): readonly Row[] {
  return Array.from({ length: count }, (_, row) => ({ at: at[row]!, arrival: arrival[row]!, offset: offset[row]!, cells: columns.map(one => cell(one, row) as Cell) }))
}

function assertKept (rows: readonly Row[], columns: readonly ColumnSpec[] = specs): Uint8Array {
  const bytes = encodeChunk(block(rows, columns), 3)
  const found = decodeChunk(bytes)
  assert.equal(found.partition, 3)
  assert.deepEqual(found.columns.map(({ kind, name }) => ({ name, kind })), columns.map(({ kind, name }) => ({ name, kind })))
  // assert.deepEqual of the strict kind tells -0 from 0, and takes NaN for NaN.
  assert.deepEqual(rowsOf(found), rows)
  return bytes
}

const text = fc.oneof(fc.constantFrom('oslo', 'bergen', ''), fc.string({ unit: 'binary' }))
/** Each the way of one kind of device. */
const numbers = fc.oneof(
  fc.double(),
  fc.float(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.integer({ min: -400, max: 400 }).map(tenths => tenths / 10),
  fc.integer({ min: -40_000, max: 40_000 }).map(value => Math.fround(value / 100)),
  fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE, Number.MAX_VALUE, 2 ** 52, 2 ** 53, -(2 ** 53), 1e22, 1.7e12 + 0.123),
)
const series = fc.oneof(numbers, fc.tuple(fc.integer(), fc.integer({ min: -5, max: 5 })).map(([first, step]) => (row: number) => first + step * row))
const rows = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.array(fc.oneof(numbers, fc.constant(null)), { minLength: 1, maxLength: 40 }), series, fc.array(text, { minLength: 1, maxLength: 9 }), fc.infiniteStream(fc.nat(999)))
  .map(([count, some, place, texts, random]) => Array.from({ length: count }, (_, row): Row => {
    const [pick, late, other] = [random.next().value as number, random.next().value as number, random.next().value as number]
    const at = typeof place === 'number' ? place : place(row)
    return { at, arrival: late % 7 === 0 ? pick : at + late, offset: row * 13 + (pick % 3), cells: [some[pick % some.length]!, pick % 5 === 0 ? null : pick % 2 === 0, pick % 11 === 0 ? null : texts[other % texts.length]!, other / 10] }
  }))

test('a chunk: whatever devices send comes back as it was, infinities, -0 and fractions of a millisecond too', () => {
  fc.assert(fc.property(rows, some => { assertKept(some) }), { numRuns: 400 })
})

test('a chunk: columns of one kind of number, in every way they are written', () => {
  fc.assert(fc.property(fc.oneof(...[fc.double(), fc.float(), fc.maxSafeInteger(), fc.integer({ max: 99 }).map(value => value / 100), fc.integer({ min: -5_000, max: 5_000 }).map(value => value / 100 * 1.8 + 32), fc.integer({ min: -99, max: 99 }).map(value => value / 10 * 0.1 - 0.3), fc.constantFrom(1.5, 1 / 3, 2 / 3)].map(one => fc.array(one, { minLength: 1, maxLength: 200 }))), values => {
    assertKept(values.map((value, row) => ({ at: value, arrival: row, offset: row, cells: [value] })), [specs[0]])
  }), { numRuns: 400 })
})

test('a chunk: nothing known, one row, and no signals at all', () => {
  assertKept([{ at: 1, arrival: 2, offset: 3, cells: [null, null, null, null] }])
  assertKept([{ at: -1.5, arrival: -0, offset: 0, cells: [] }], [])
})

test('a chunk: columns as the reader wants them; those that the chunk does not have, or has as another kind, are unknown', () => {
  const bytes = encodeChunk(block([{ at: 1, arrival: 2, offset: 3, cells: [4, true, 'oslo', 5] }]), 0)
  const found = decodeChunk(bytes, [{ name: 'site', kind: 'text' }, { name: 'later', kind: 'number' }, { name: 'hPa', kind: 'bool' }, { name: 'celsius', kind: 'number' }])
  assert.deepEqual(rowsOf(found), [{ at: 1, arrival: 2, offset: 3, cells: ['oslo', null, null, 4] }])
})

/** 500 readings, one a second with some delay, of a sensor with two digits: what a chunk is for. */
const regular = Array.from({ length: 500 }, (_, row): Row => ({ at: 1.7e12 + row * 1_000, arrival: 1.7e12 + row * 1_000 + 40 + row % 9, offset: row * 17, cells: [20 + Math.round(300 * Math.sin(row / 50)) / 100, false, 'oslo', 1013.2] }))

test('a chunk of readings as a device sends them takes under three bytes a reading', () => {
  const bytes = assertKept(regular)
  assert(bytes.length < 3 * regular.length, `${bytes.length} bytes`)
})

test('a chunk: numbers that arithmetic left beside short decimals take under three bytes, not seven', () => {
  const random = Array.from({ length: 500 }, (_, row) => (row * 7_919 % 5_000) / 100 * 1.8 + 32)
  const bytes = assertKept(random.map((celsius, row) => ({ at: row, arrival: row, offset: row, cells: [celsius] })), [specs[0]])
  assert(bytes.length < 2.7 * random.length, `${bytes.length} bytes`)
})

test('a chunk: one flipped bit anywhere is found', () => {
  const bytes = encodeChunk(block(regular.slice(0, 20)), 0)
  for (let at = 0; at < bytes.length; at += 1) {
    const broken = bytes.slice()
    broken[at]! ^= 1 << at % 8
    assert.throws(() => decodeChunk(broken), (error: StreamError) => error.code === 'LAKE_CHUNK', `byte ${at}`)
  }
})

/** Bytes with a right checksum: what is behind it must stand by itself. */
function sealed (bytes: Uint8Array): Uint8Array {
  if (bytes.length > 5) new DataView(bytes.buffer, bytes.byteOffset).setUint32(1, crc32c(bytes.subarray(5)), true)
  return bytes
}

test('any bytes are a chunk or LAKE_CHUNK, in bounded memory', () => {
  const whole = [encodeChunk(block(regular.slice(0, 30)), 0), encodeChunk(block(regular.slice(0, 1)), 0)]
  const broken = fc.tuple(fc.constantFrom(...whole), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.nat(3)).map(([bytes, changes, cut]) => {
    const copy = bytes.slice(0, bytes.length - (cut === 0 ? changes[0]![0] % bytes.length : 0))
    for (const [at, byte] of changes) if (copy.length > 5) copy[5 + at % (copy.length - 5)] = byte
    return copy
  })
  let read = 0
  fc.assert(fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 100 }).map(bytes => Uint8Array.of(1, 0, 0, 0, 0, ...bytes))), bytes => {
    try {
      const { count, columns } = decodeChunk(sealed(bytes))
      read += 1
      assert(count * columns.length <= 1 << 22)
    } catch (error) {
      assert(error instanceof StreamError && error.code === 'LAKE_CHUNK', error as Error)
    }
  }), { numRuns: 3_000 })
  assert(read > 50, `${read} were chunks all the same`)
})

test('a chunk that claims more cells than it may have is refused before memory is taken', () => {
  // 65,536 rows of 4,096 columns, in a few bytes.
  const zeros = (count: number) => new Uint8Array(count)
  const bytes = sealed(Uint8Array.of(1, ...zeros(4), 0x80, 0x80, 4, 0, ...zeros(6), ...zeros(6), 1, ...zeros(3), 0x80, 0x20))
  assert.throws(() => decodeChunk(bytes), (error: StreamError) => error.code === 'LAKE_CHUNK' && /too many cells/.test(error.message))
})
