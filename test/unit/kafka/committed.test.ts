import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { type AbortedTransaction, committedBatches } from '../../../connectors/kafka/committed.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { crc32c } from '../../../pipelines/core/crc32c.ts'
import { readBatchHeader, records, RecordBatchWriter } from '../../../pipelines/core/record-batch.ts'

interface Written { readonly values: readonly string[], readonly producer?: number, readonly marker?: 'commit' | 'abort', readonly gzip?: boolean }

const utf8 = new TextEncoder()

function batch (base: number, { values, producer, marker, gzip }: Written): Buffer {
  const writer = new RecordBatchWriter()
  if (marker === undefined) for (const value of values) writer.append(1_000, null, utf8.encode(value))
  else writer.append(1_000, Uint8Array.of(0, 0, 0, marker === 'abort' ? 0 : 1), Uint8Array.of(0, 0, 0, 0, 0, 0))
  let bytes = Buffer.from(writer.finish(base))
  if (gzip) bytes = Buffer.concat([bytes.subarray(0, 61), gzipSync(bytes.subarray(61))])
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt16BE((producer === undefined ? 0 : 16) | (marker === undefined ? 0 : 32) | (gzip ? 1 : 0), 21)
  if (producer !== undefined) bytes.writeBigInt64BE(BigInt(producer), 43)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

function partition (written: readonly Written[]): { readonly bytes: Buffer, readonly bases: readonly number[], readonly end: number } {
  let end = 0
  const bases: number[] = []
  const batches = written.map(one => {
    bases.push(end)
    const bytes = batch(end, one)
    end += one.marker === undefined ? one.values.length : 1
    return bytes
  })
  return { bytes: Buffer.concat(batches), bases, end }
}

const read = (bytes: Uint8Array, aborted: readonly AbortedTransaction[] = [], into?: Uint8Array) => committedBatches(bytes, aborted, { topic: 'in', partition: 0, crc: crc32c, decompressedBytesMax: 1 << 20, into })
const valuesOf = (bytes: Uint8Array) => [...records(bytes)].map(({ offset, value }) => `${offset}:${Buffer.from(value ?? []).toString()}`)

/** Every offset from the first on, without a gap; and each checksum right. */
function covered (bytes: Uint8Array): { readonly from: number, readonly to: number } {
  let [at, next, from] = [0, -1, -1]
  for (let header = readBatchHeader(bytes, at); header !== null; header = readBatchHeader(bytes, at)) {
    if (next < 0) from = header.baseOffset
    else assert.equal(header.baseOffset, next)
    assert.equal(header.control, false)
    assert.equal(header.compression, 0)
    assert.equal(crc32c(bytes.subarray(at + 21, at + header.bytes)), header.crc)
    next = header.baseOffset + header.lastOffsetDelta + 1
    at += header.bytes
  }
  assert.equal(at, bytes.length)
  return { from, to: next }
}

test('fetched batches that need no change are given as they are, without a copy', () => {
  const { bytes } = partition([{ values: ['a', 'b'] }, { values: ['c'], producer: 1 }])
  assert.equal(read(bytes).buffer, bytes.buffer)
  assert.deepEqual(valuesOf(read(bytes)), ['0:a', '1:b', '2:c'])
})

test('a batch cut off at the end is left out', () => {
  const { bytes } = partition([{ values: ['a'] }, { values: ['b'] }])
  assert.deepEqual(valuesOf(read(bytes.subarray(0, -1))), ['0:a'])
})

//  producer 7:  A A x | c c ✓ | A x | c ✓        A aborted, c committed, x and ✓ markers
test('alternating aborts of one producer hide exactly its aborted records', () => {
  const { bytes, bases, end } = partition([
    { values: ['A', 'A'], producer: 7 }, { values: [], producer: 7, marker: 'abort' }, { values: ['c', 'd'], producer: 7 }, { values: [], producer: 7, marker: 'commit' },
    { values: ['B'], producer: 7 }, { values: [], producer: 7, marker: 'abort' }, { values: ['e'], producer: 7 }, { values: [], producer: 7, marker: 'commit' },
  ])
  const given = read(bytes, [{ producerId: 7n, firstOffset: bases[4]! }, { producerId: 7n, firstOffset: 0 }])
  assert.deepEqual(valuesOf(given), ['3:c', '4:d', '8:e'])
  assert.deepEqual(covered(given), { from: 0, to: end })
})

test('a fetch that begins inside an aborted transaction hides its rest', () => {
  const { bytes, bases, end } = partition([{ values: ['A'], producer: 7 }, { values: ['A'], producer: 7 }, { values: ['x'] }, { values: ['A'], producer: 7 }, { values: [], producer: 7, marker: 'abort' }, { values: ['y'], producer: 7 }])
  const rest = bytes.subarray(batch(0, { values: ['A'], producer: 7 }).length)
  const given = read(rest, [{ producerId: 7n, firstOffset: 0 }])
  assert.deepEqual(valuesOf(given), [`${bases[2]}:x`, `${bases[5]}:y`])
  assert.deepEqual(covered(given), { from: 1, to: end })
})

test('offsets of records that are hidden stay, so that a position moves past them', () => {
  const { bytes, end } = partition([{ values: ['A', 'A', 'A'], producer: 7 }, { values: ['A'], producer: 7 }, { values: [], producer: 7, marker: 'abort' }])
  const given = read(bytes, [{ producerId: 7n, firstOffset: 0 }])
  assert.deepEqual(valuesOf(given), [])
  assert.deepEqual(covered(given), { from: 0, to: end })
  assert.equal(given.length, 61)
})

test('what had to change goes into the buffer given when it fits', () => {
  const { bytes } = partition([{ values: ['a'], producer: 7 }, { values: [], producer: 7, marker: 'commit' }, { values: ['b'] }])
  const into = new Uint8Array(1_000)
  assert.equal(read(bytes, [], into).buffer, into.buffer)
  assert.notEqual(read(bytes, [], new Uint8Array(10)).buffer, into.buffer)
  assert.deepEqual(valuesOf(read(bytes, [], into)), ['0:a', '2:b'])
})

test('a compressed batch comes out plain, with its offsets and a right checksum', () => {
  const { bytes, end } = partition([{ values: ['a'] }, { values: ['b', 'c'], gzip: true }, { values: ['d'] }])
  const given = read(bytes)
  assert.deepEqual(valuesOf(given), ['0:a', '1:b', '2:c', '3:d'])
  assert.deepEqual(covered(given), { from: 0, to: end })
})

test('any flipped bit under a checksum is damage: batches before it are given, then the error names its offset', () => {
  const { bytes, bases } = partition([{ values: ['a'] }, { values: ['b', 'c'] }, { values: ['d'] }])
  const second = batch(0, { values: ['a'] }).length
  const length = batch(0, { values: ['b', 'c'] }).length
  fc.assert(fc.property(fc.integer({ min: 21, max: length - 1 }), fc.nat(7), (at, bit) => {
    const bad = Buffer.from(bytes)
    bad[second + at]! ^= 1 << bit
    assert.deepEqual(valuesOf(read(bad)), ['0:a'])
    assert.throws(() => read(bad.subarray(second)), error => error instanceof StreamError && error.code === 'LOG_CORRUPT' && error.details.offset === bases[1])
  }))
})

test('random interleavings of producers show what a plain model shows', () => {
  const step = fc.record({ producer: fc.integer({ min: 1, max: 3 }), kind: fc.constantFrom('write', 'commit', 'abort', 'plain' as const), gzip: fc.boolean(), many: fc.integer({ min: 1, max: 3 }) })
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), fc.nat(5), (steps, skip) => {
    const written: Written[] = []
    const open = new Map<number, number[]>()
    const hidden = new Set<number>()
    const aborted: (AbortedTransaction & { readonly marker: number })[] = []
    const end = (producer: number, marker: 'commit' | 'abort') => {
      const mine = open.get(producer) ?? []
      open.delete(producer)
      if (marker === 'abort' && mine.length > 0) {
        for (const at of mine) hidden.add(at)
        aborted.push({ producerId: BigInt(producer), firstOffset: mine[0]!, marker: written.length })
      }
      written.push({ values: [], producer, marker })
    }
    for (const { producer, kind, gzip, many } of steps) {
      const values = Array.from({ length: many }, (_, at) => `${written.length}.${at}`)
      if (kind === 'plain') written.push({ values, gzip })
      else if (kind === 'write') {
        open.set(producer, [...open.get(producer) ?? [], written.length])
        written.push({ values, producer, gzip })
      } else end(producer, kind)
    }
    for (const producer of [...open.keys()]) end(producer, 'abort')
    const { bases, end: last } = partition(written)
    const from = Math.min(skip, Math.max(0, written.length - 1))
    const visible = written.flatMap(({ values, marker }, at) => at < from || marker !== undefined || hidden.has(at) ? [] : values.map((value, delta) => `${bases[at]! + delta}:${value}`))
    const bytes = Buffer.concat(written.slice(from).map((one, at) => batch(bases[at + from]!, one)))
    // As the broker does: transactions that overlap what is fetched. They are noted by the index of their first batch here.
    const told = aborted.filter(({ marker }) => marker >= from).map(one => ({ ...one, firstOffset: bases[one.firstOffset]! }))
    const given = read(bytes, told)
    assert.deepEqual(valuesOf(given), visible)
    if (written.length > 0) assert.deepEqual(covered(given), { from: bases[from]!, to: last })
  }), { numRuns: 300 })
})
