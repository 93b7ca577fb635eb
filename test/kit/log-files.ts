import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchHeaderBytes, readBatchHeader } from '../../pipelines/core/record-batch.ts'

export type Outcome = 'committed' | 'aborted' | 'open'

/** A producer's transaction as one partition has it. `epochs`: of its batches; more than one means that two transactions were ended by one marker. */
export interface FileTransaction {
  readonly producerId: number
  readonly epochs: number[]
  readonly firstOffset: number
  lastOffset: number
  records: number
  outcome: Outcome
  /** Null while it is open. */
  marker: { readonly offset: number, readonly epoch: number, readonly coordinatorEpoch: number, readonly atMs: number } | null
}

export interface PartitionFiles {
  readonly end: number
  readonly transactions: readonly FileTransaction[]
  /** Markers that ended nothing. */
  readonly idle: readonly string[]
  /** First offsets that the broker's index of aborted transactions has. */
  readonly indexed: readonly number[]
}

/**
 * What a broker's files hold of one partition, all replicas' alike if all is well. The broker may be running.
 *
 * Source: Kafka protocol, "Record Batch" and "Control Batches"; AbortedTxn of Kafka's storage: 34 bytes, the first offset behind version and producer
 */
export function readPartition (folder: string): PartitionFiles {
  const names = existsSync(folder) ? readdirSync(folder).sort() : []
  const transactions: FileTransaction[] = []
  const idle: string[] = []
  const open = new Map<number, FileTransaction>()
  let end = 0
  for (const name of names.filter(one => one.endsWith('.log'))) {
    const bytes = readFileSync(join(folder, name))
    for (let from = 0; ;) {
      const header = readBatchHeader(bytes, from)
      if (header === null) break
      const batch = bytes.subarray(from, from + header.bytes)
      from += header.bytes
      const { baseOffset, lastOffsetDelta, transactional, control, count } = header
      end = baseOffset + lastOffsetDelta + 1
      if (!transactional) continue
      const producerId = Number(batch.readBigInt64BE(43))
      const epoch = batch.readInt16BE(51)
      const current = open.get(producerId)
      if (control) {
        const { committed, coordinatorEpoch } = markerOf(batch)
        open.delete(producerId)
        if (current === undefined) idle.push(`${committed ? 'commit' : 'abort'} of producer ${producerId} epoch ${epoch} at ${baseOffset}, coordinator epoch ${coordinatorEpoch}`)
        else Object.assign(current, { outcome: committed ? 'committed' : 'aborted', marker: { offset: baseOffset, epoch, coordinatorEpoch, atMs: header.maxTimestamp } })
        continue
      }
      const transaction = current ?? { producerId, epochs: [], firstOffset: baseOffset, lastOffset: 0, records: 0, outcome: 'open', marker: null }
      if (current === undefined) {
        open.set(producerId, transaction)
        transactions.push(transaction)
      }
      if (!transaction.epochs.includes(epoch)) transaction.epochs.push(epoch)
      transaction.lastOffset = end - 1
      transaction.records += count
    }
  }
  const indexed = names.filter(one => one.endsWith('.txnindex')).flatMap(name => {
    const bytes = readFileSync(join(folder, name))
    return Array.from({ length: Math.floor(bytes.length / 34) }, (_, at) => Number(bytes.readBigInt64BE(at * 34 + 10)))
  })
  return { end, transactions, idle, indexed }
}

/** A marker is one record: length, attributes, timestamp, offset, then key (version, kind) and value (version, coordinator's epoch). */
function markerOf (batch: Buffer): { readonly committed: boolean, readonly coordinatorEpoch: number } {
  let at = batchHeaderBytes
  const varint = () => { while ((batch[at++]! & 128) !== 0); }
  varint()
  at += 1
  for (let field = 0; field < 3; field += 1) varint()
  const committed = batch.readInt16BE(at + 2) === 1
  at += 4
  varint()
  return { committed, coordinatorEpoch: batch.readInt32BE(at + 2) }
}

export interface Replica { readonly node: string, readonly folder: string }

/**
 * What is wrong with the transactions in these partitions, going by the files of all replicas: one that was committed in one partition and aborted in
 * another, two that one marker ended, aborted ones that the index lacks, replicas that differ. Empty when nothing is.
 */
export function torn (replicas: readonly Replica[], partitions: readonly string[]): readonly string[] {
  const wrong: string[] = []
  const producers = new Set<number>()
  const read = partitions.map(name => ({ name, of: replicas.map(({ node, folder }) => ({ node, ...readPartition(join(folder, name)) })) }))
  const outcomes = new Map<string, Map<Outcome, string[]>>()
  for (const { name, of } of read) {
    const [first, ...others] = of.toSorted((a, b) => b.end - a.end)
    for (const other of others) {
      const differs = first!.transactions.filter(one => one.marker !== null && one.marker.offset < other.end).some((one, at) => shown(one) !== shown(other.transactions[at] ?? null))
      if (differs) wrong.push(`${name}: ${first!.node} and ${other.node} hold different transactions`)
    }
    for (const { node, transactions, indexed } of of) {
      for (const { outcome, firstOffset, producerId } of transactions) {
        if (outcome === 'aborted' && !indexed.includes(firstOffset)) { wrong.push(`${name}: the index of ${node} lacks the aborted transaction at ${firstOffset}`); producers.add(producerId) }
        if (outcome !== 'aborted' && indexed.includes(firstOffset)) { wrong.push(`${name}: the index of ${node} calls the transaction at ${firstOffset} aborted, which is ${outcome}`); producers.add(producerId) }
      }
    }
    for (const one of first!.transactions) {
      if (one.epochs.length > 1) { wrong.push(`${name}: one marker ends transactions of epochs ${one.epochs.join(' and ')}: ${shown(one)}`); producers.add(one.producerId) }
      for (const epoch of one.epochs) {
        const id = `${one.producerId} ${epoch}`
        const seen = outcomes.get(id) ?? new Map<Outcome, string[]>()
        outcomes.set(id, seen)
        seen.set(one.outcome, [...seen.get(one.outcome) ?? [], name])
      }
    }
  }
  for (const [id, seen] of outcomes) {
    if (seen.size < 2) continue
    const [producer, epoch] = id.split(' ')
    wrong.push(`the transaction of producer ${producer} epoch ${epoch} is ${[...seen].map(([outcome, names]) => `${outcome} in ${names.join(', ')}`).join('; ')}`)
    producers.add(Number(producer))
  }
  if (wrong.length === 0) return []
  const told = read.flatMap(({ name, of }) => of.flatMap(({ node, transactions, idle }) => [
    ...transactions.filter(({ producerId }) => producers.has(producerId)).map(one => `${name} ${node} ${shown(one)}`),
    ...idle.filter(line => producers.has(Number(/producer (\d+)/.exec(line)![1]))).map(line => `${name} ${node} ended nothing: ${line}`),
  ]))
  return [...wrong, ...told]
}

function shown (transaction: FileTransaction | null): string {
  if (transaction === null) return 'nothing'
  const { producerId, epochs, firstOffset, lastOffset, records, outcome, marker } = transaction
  return `producer ${producerId} epoch ${epochs.join(',')} ${firstOffset}..${lastOffset} ${records} records ${outcome}${marker === null ? '' : ` by the marker at ${marker.offset}, epoch ${marker.epoch}, coordinator epoch ${marker.coordinatorEpoch}, ${new Date(marker.atMs).toISOString()}`}`
}
