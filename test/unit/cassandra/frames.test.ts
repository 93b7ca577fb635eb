import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameOf, halves, routingKey, runsOf } from '../../../connectors/cassandra/frames.ts'
import { StagedRows } from '../../../connectors/cassandra/staged.ts'

const id = Uint8Array.of(0xaa, 0xbb)
const statements = [{ id, values: 3, leadBytes: 0 }, { id: Uint8Array.of(0xcc), values: 3, leadBytes: 12 }]

/** Two partitions; row n of the first has the int n. */
function staged (rows: number): StagedRows {
  const table = new StagedRows('t', statements)
  const groups = ['a', 'bc'].map(text => {
    table.partitions.text(text)
    return table.addGroup()
  })
  const origin = table.addOrigin({ topic: 'in', partition: 1 })
  for (let n = 0; n < rows; n += 1) {
    table.cells.int(n)
    table.cells.whole(n)
    table.add(groups[0]!, 0, origin, n, n)
  }
  table.cells.stamp(7)
  table.cells.int(9)
  table.add(groups[1]!, 1, origin, rows, rows)
  return table
}

const ints = (frame: Uint8Array) => {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const found: number[] = []
  for (let at = 12, left = view.getUint16(10); left > 0; left -= 1) {
    at += 3 + view.getUint16(at + 1) + 2
    at += 4 + view.getInt32(at)
    found.push(view.getInt32(at + 4))
    at += 8 + 12
  }
  return found
}

test('frames: rows of a partition go together, in order, as many as fit; those of another in another', () => {
  const table = staged(10)
  // Its head, the partition, an int, a timestamp.
  const rowBytes = 7 + 5 + 8 + 12
  const runs = [...runsOf([table], { bytesMax: rowBytes * 4 })]
  assert.deepEqual(runs.map(({ group, count }) => [group, count]), [[0, 4], [0, 4], [0, 2], [1, 1]])
  assert.deepEqual(runs.slice(0, 3).map(run => ints(frameOf(run, 6, null))), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
})

test('frames: the limit holds from the next run on when it changes on the way; a row that is too large goes alone', () => {
  const limits = { bytesMax: 1_000 }
  const runs = runsOf([staged(40)], limits)
  const first = runs.next().value!
  limits.bytesMax = 1
  assert(first.count > 10)
  assert.deepEqual([...runs].map(({ count }) => count), Array.from({ length: 40 - first.count + 1 }, () => 1))
})

test('frames: rows that are gone are left out, of halves too', () => {
  const table = staged(9)
  for (const row of [0, 4, 5, 8]) table.drop(row)
  const [run] = [...runsOf([table], { bytesMax: 1e6 })]
  assert.deepEqual(ints(frameOf(run!, 6, null)), [1, 2, 3, 6, 7])
  assert.deepEqual(halves(run!).map(half => ints(frameOf(half, 6, null))), [[1, 2], [3, 6, 7]])
})

test('frames: a frame is a BATCH of version 4, and fits a buffer that is used again', () => {
  const table = staged(2)
  const [first, second] = [...runsOf([table], { bytesMax: 1e6 })]
  const buffer = new Uint8Array(500).fill(0xee)
  const frame = frameOf(first!, 6, buffer)
  assert.equal(frame.buffer, buffer.buffer)
  assert.equal(Buffer.from(frame).toString('hex'), [
    '04000000', '0d', (frame.length - 9).toString(16).padStart(8, '0'), '01', '0002',
    ...[0, 1].map(n => `01 0002 aabb 0003 00000001 61 00000004 0000000${n} 00000008 000000000000000${n}`.replaceAll(' ', '')), '0006', '00',
  ].join(''))
  // A statement whose timestamp stands before the key.
  assert.equal(Buffer.from(frameOf(second!, 6, null)).toString('hex').slice(24), '01 0001 cc 0003 00000008 0000000000001b58 00000002 6263 00000004 00000009 0006 00'.replaceAll(' ', ''))
})

test('frames: a routing key is the value alone, or each behind its length and before a zero', () => {
  const table = new StagedRows('t', statements)
  table.partitions.text('abc')
  table.addGroup()
  table.partitions.text('a')
  table.partitions.int(1)
  table.addGroup()
  assert.deepEqual([0, 1].map(group => Buffer.from(routingKey(table.partitionOf(group))).toString('hex')), ['616263', '0001 61 00 0004 00000001 00'.replaceAll(' ', '')])
})
