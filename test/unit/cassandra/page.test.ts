import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodePage, mapOf, textOf } from '../../../connectors/cassandra/page.ts'

/** Cells as the protocol has them: length and bytes, -1 for null. */
const cells = (...all: (Buffer | null)[]): Buffer => Buffer.concat(all.flatMap(cell => [int(cell === null ? -1 : cell.length), cell ?? Buffer.alloc(0)]))
function int (value: number): Buffer { const bytes = Buffer.alloc(4); bytes.writeInt32BE(value); return bytes }
function long (value: bigint): Buffer { const bytes = Buffer.alloc(8); bytes.writeBigInt64BE(value); return bytes }
function double (value: number): Buffer { const bytes = Buffer.alloc(8); bytes.writeDoubleBE(value); return bytes }

test('a page of rows becomes columns: signs, nulls, empty texts, whatever lies before it', () => {
  const map = Buffer.concat([int(2), cells(Buffer.from('team'), Buffer.from('cold')), cells(Buffer.from('ø'), Buffer.from(''))])
  const rows = [
    cells(long(-1n), double(Number.NaN), int(-7), Buffer.from([1]), Buffer.from('🚚'), map),
    cells(long(-(2n ** 52n) - 5n), double(Number.NEGATIVE_INFINITY), int(2 ** 31 - 1), Buffer.from([0]), Buffer.from(''), null),
    cells(null, null, null, null, null, null),
    cells(long(2n ** 53n - 1n), double(-0), int(0), Buffer.from([1]), Buffer.from('x'), int(0)),
  ]
  const before = Buffer.from('what the frame has before its rows')
  const { count, columns } = decodePage({ bytes: Buffer.concat([before, ...rows]), offset: before.length, count: 4 }, ['timestamp', 'double', 'int', 'boolean', 'text', 'frozen<map<text, text>>'])
  const [longs, doubles, integers, bools, texts, maps] = columns
  assert.equal(count, 4)
  assert.deepEqual([...longs!.doubles], [-1, -(2 ** 52) - 5, Number.NaN, 2 ** 53 - 1])
  assert.deepEqual([...doubles!.doubles], [Number.NaN, Number.NEGATIVE_INFINITY, Number.NaN, -0])
  assert.deepEqual([...doubles!.known], [1, 1, 0, 1])
  assert.deepEqual([...integers!.integers], [-7, 2 ** 31 - 1, 0, 0])
  assert.deepEqual([...bools!.bools], [1, 0, 0, 1])
  assert.deepEqual([0, 1, 2, 3].map(row => textOf(texts!, row)), ['🚚', '', null, 'x'])
  assert.deepEqual([0, 1, 2, 3].map(row => mapOf(maps!, row)), [{ team: 'cold', ø: '' }, {}, {}, {}])
})
