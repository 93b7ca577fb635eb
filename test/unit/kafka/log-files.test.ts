import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { crc32c } from '../../../connectors/kafka/crc.ts'
import { stamp } from '../../../connectors/kafka/stamp.ts'
import { batchOf } from '../../contract/log.ts'
import { BrokerPartition } from '../../kit/cluster/partition.ts'
import { readPartition, torn } from '../../kit/log-files.ts'

const producerId = 7n
const append = (partition: BrokerPartition, epoch: number, values: readonly string[], sequence = 0) => partition.append(stamp({ topic: 't', partition: 0, bytes: batchOf(values).slice(), count: values.length }, { producerId, epoch, sequence, transactional: true }, crc32c), { stampMs: null, batchBytesMax: 1 << 20, keyed: false })
const mark = (partition: BrokerPartition, epoch: number, committed: boolean) => { partition.mark(producerId, epoch, { committed, nowMs: 1_700_000_000_000 }) }

/** Each replica's partitions, as a broker has them in its folder. */
function written (replicas: Readonly<Record<string, Readonly<Record<string, BrokerPartition>>>>): { readonly root: string, readonly nodes: readonly { readonly node: string, readonly folder: string }[] } {
  const root = mkdtempSync(join(tmpdir(), 'millrace-log-files-'))
  const nodes = Object.entries(replicas).map(([node, partitions]) => {
    for (const [name, partition] of Object.entries(partitions)) {
      const folder = join(root, node, name)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, '00000000000000000000.log'), Buffer.concat(partition.batches.map(({ bytes }) => bytes)))
      writeFileSync(join(folder, '00000000000000000000.txnindex'), Buffer.concat(partition.read(0, 1 << 20).aborted.map(({ firstOffset, lastOffset }) => {
        const entry = Buffer.alloc(34)
        entry.writeBigInt64BE(producerId, 2)
        entry.writeBigInt64BE(BigInt(firstOffset), 10)
        entry.writeBigInt64BE(BigInt(lastOffset), 18)
        return entry
      })))
    }
    return { node, folder: join(root, node) }
  })
  return { root, nodes }
}

function partitionOf (ends: readonly (readonly [epoch: number, committed: boolean])[]): BrokerPartition {
  const partition = new BrokerPartition()
  for (const [epoch, committed] of ends) {
    append(partition, epoch, ['a', 'b'])
    mark(partition, epoch + 1, committed)
  }
  return partition
}

test('files of a partition tell of each transaction its producer, epoch, records and end', () => {
  const partition = partitionOf([[0, true], [1, false]])
  append(partition, 2, ['c'])
  const { root, nodes } = written({ one: { 't-0': partition } })
  const { end, transactions, indexed } = readPartition(join(nodes[0]!.folder, 't-0'))
  assert.equal(end, 7)
  assert.deepEqual(transactions.map(({ epochs, firstOffset, records, outcome }) => [epochs, firstOffset, records, outcome]), [[[0], 0, 2, 'committed'], [[1], 3, 2, 'aborted'], [[2], 6, 1, 'open']])
  assert.equal(transactions[0]!.marker!.epoch, 1)
  assert.deepEqual(indexed, [3])
  assert.deepEqual(torn(nodes, ['t-0']), [])
  rmSync(root, { recursive: true })
})

test('a transaction that is committed in one partition and aborted in another is found, with all that is known of its producer', () => {
  const { root, nodes } = written({ one: { 'echo-4': partitionOf([[0, true], [1, false]]), 'min-4': partitionOf([[0, true], [1, true]]) } })
  const [wrong, ...told] = torn(nodes, ['echo-4', 'min-4'])
  assert.equal(wrong, 'the transaction of producer 7 epoch 1 is aborted in echo-4; committed in min-4')
  assert.equal(told.length, 4)
  rmSync(root, { recursive: true })
})

test('two transactions that one marker ended, an index that lacks one, and replicas that differ, are found', () => {
  const merged = new BrokerPartition()
  append(merged, 0, ['late'])
  append(merged, 1, ['next'])
  mark(merged, 2, true)
  const aborted = partitionOf([[0, false]])
  const { root, nodes } = written({ one: { 't-0': merged, 't-1': aborted }, two: { 't-0': partitionOf([[0, true]]), 't-1': aborted } })
  writeFileSync(join(nodes[1]!.folder, 't-1', '00000000000000000000.txnindex'), '')
  const wrong = torn(nodes, ['t-0', 't-1']).join('\n')
  assert.match(wrong, /t-0: one marker ends transactions of epochs 0 and 1/)
  assert.match(wrong, /t-0: one and two hold different transactions/)
  assert.match(wrong, /t-1: the index of two lacks the aborted transaction at 0/)
  rmSync(root, { recursive: true })
})
