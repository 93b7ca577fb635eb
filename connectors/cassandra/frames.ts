import { frameHeaderBytes } from './driver.ts'
import type { StagedRows, Statement } from './staged.ts'

/** Rows of one partition that go in one request: `count` rows of a group from `first` on, those that are gone left out. */
export interface Run { readonly rows: StagedRows, readonly group: number, readonly first: number, readonly count: number }
export interface FrameLimits { readonly bytesMax: number }

const version = 4
const batchOpcode = 0x0d
const unlogged = 1
const isPrepared = 1
/** Type and number of statements, consistency and flags. */
const batchBytes = 1 + 2 + 2 + 1
const rowsMax = 0xffff

/** Rows of all partitions cut into runs of at most `bytesMax` bytes: a row that is larger goes alone. */
export function * runsOf (tables: readonly StagedRows[], limits: FrameLimits): Generator<Run> {
  for (const rows of tables) {
    for (let group = 0; group < rows.groups; group += 1) yield * runsOfGroup(rows, group, limits)
  }
}

function * runsOfGroup (rows: StagedRows, group: number, limits: FrameLimits): Generator<Run> {
  const partition = rows.partitionOf(group).length
  let first = -1
  let count = 0
  let bytes = 0
  for (let row = rows.first(group); row >= 0; row = rows.next(row)) {
    if (rows.isGone(row)) continue
    const size = entryBytes(rows, row, partition)
    // The limit is looked at each time: it changes by the server's answers.
    if (count > 0 && (bytes + size > limits.bytesMax || count === rowsMax)) {
      yield { rows, group, first, count }
      count = bytes = 0
    }
    if (count === 0) first = row
    count += 1
    bytes += size
  }
  if (count > 0) yield { rows, group, first, count }
}

/** Two runs of half the rows each. */
export function halves (run: Run): readonly [Run, Run] {
  const half = run.count >> 1
  let row = run.first
  for (let left = half; left > 0 || run.rows.isGone(row); row = run.rows.next(row)) if (!run.rows.isGone(row)) left -= 1
  return [{ ...run, count: half }, { ...run, first: row, count: run.count - half }]
}

/**
 * A BATCH frame of a run: unlogged, of prepared statements, each row with a write timestamp of its own. All of it is one partition's, so it is one mutation.
 *
 * Source: CQL binary protocol v4, section 4.1.7
 */
export function frameOf ({ rows, group, first, count }: Run, consistency: number, into: Uint8Array | null): Uint8Array {
  const partition = rows.partitionOf(group)
  const bytes = runBytes(rows, { first, count, partition: partition.length })
  const frame = into !== null && into.length >= bytes ? into.subarray(0, bytes) : new Uint8Array(bytes)
  const view = new DataView(frame.buffer, frame.byteOffset, bytes)
  frame[0] = version
  frame[1] = frame[2] = frame[3] = 0
  frame[4] = batchOpcode
  view.setUint32(5, bytes - frameHeaderBytes)
  frame[9] = unlogged
  view.setUint16(10, count)
  let at = frameHeaderBytes + 3
  for (let row = first, left = count; left > 0; row = rows.next(row)) {
    if (rows.isGone(row)) continue
    at = putRow(frame, at, rows, row, partition)
    left -= 1
  }
  view.setUint16(at, consistency)
  frame[at + 2] = 0
  return frame
}

function putRow (frame: Uint8Array, from: number, rows: StagedRows, row: number, partition: Uint8Array): number {
  const { id, values, leadBytes } = rows.statementOf(row)
  const { bytes } = rows.cells
  const start = rows.startOf(row)
  const end = start + rows.bytesOf(row)
  let at = from
  frame[at] = isPrepared
  frame[at + 1] = id.length >> 8
  frame[at + 2] = id.length & 0xff
  frame.set(id, at + 3)
  at += 3 + id.length
  frame[at] = values >> 8
  frame[at + 1] = values & 0xff
  at += 2
  if (leadBytes > 0) frame.set(bytes.subarray(start, start + leadBytes), at)
  at += leadBytes
  frame.set(partition, at)
  at += partition.length
  frame.set(bytes.subarray(start + leadBytes, end), at)
  return at + end - start - leadBytes
}

function runBytes (rows: StagedRows, { first, count, partition }: { readonly first: number, readonly count: number, readonly partition: number }): number {
  let bytes = frameHeaderBytes + batchBytes
  for (let row = first, left = count; left > 0; row = rows.next(row)) {
    if (rows.isGone(row)) continue
    bytes += entryBytes(rows, row, partition)
    left -= 1
  }
  return bytes
}

const headBytes = ({ id }: Statement) => 1 + 2 + id.length + 2
const entryBytes = (rows: StagedRows, row: number, partition: number) => headBytes(rows.statementOf(row)) + partition + rows.bytesOf(row)

/** What a driver routes by: the partition key's cells as Cassandra hashes them. */
export function routingKey (partition: Uint8Array): Uint8Array {
  const view = new DataView(partition.buffer, partition.byteOffset, partition.length)
  const parts: Uint8Array[] = []
  for (let at = 0; at < partition.length;) {
    const length = view.getInt32(at)
    parts.push(partition.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  if (parts.length === 1) return Buffer.from(parts[0]!)
  const key = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + part.length + 3, 0))
  let at = 0
  for (const part of parts) {
    at = key.writeUInt16BE(part.length, at)
    key.set(part, at)
    at += part.length
    key[at++] = 0
  }
  return key
}

/** Bytes of the partition key as Cassandra counts them, at most 65,535. */
export function partitionKeyBytes (...parts: readonly number[]): number {
  return parts.length === 1 ? parts[0]! : parts.reduce((sum, length) => sum + length + 3, 0)
}
