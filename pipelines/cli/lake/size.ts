import { partitionRowsMax, widthFor } from '../../../connectors/cassandra/buckets.ts'
import type { Bucket } from '../../core/lake-ports.ts'

/** A fleet and what is kept of it. `ttlMs` null: for ever, counted for `spanMs`. */
export interface FleetAsk {
  readonly devices: number
  readonly intervalMs: number
  readonly signals: number
  readonly mode: 'rows' | 'chunks'
  readonly ttlMs: number | null
  /** `startsApartMs`: the size of a tumbling window, the advance of a hopping one. `summed`: signals whose parts it carries. */
  readonly windows: readonly { readonly name: string, readonly startsApartMs: number, readonly summed: number }[]
  readonly rollupsTtlMs: number | null
  readonly spanMs: number
  /** Copies of every row. */
  readonly rf: number
  readonly node: { readonly diskBytes: number, readonly rowsPerSecond: number }
}

/** One table when it is full. Bytes are those of one copy on disk. */
export interface FleetTable { readonly table: string, readonly rowsPerDay: number, readonly rows: number, readonly bytes: number, readonly partitions: number, readonly width: Bucket, readonly partitionRows: number, readonly partitionBytes: number }
export interface FleetSize { readonly tables: readonly FleetTable[], readonly rowsPerSecond: number, readonly bytesPerDay: number, /** All copies, with room for compaction. */ readonly diskBytes: number, readonly nodes: number, readonly because: 'disk' | 'writes' | 'copies' }

/**
 * Bytes on disk, measured: docs/lake-sizing.md says how.
 *
 * Units: bytes of a row, and more for each signal; of a chunk's reading; of a window, and more for each signal that it carries the parts of; of a sketch times the root of its readings
 */
export const measuredBytes = { row: 22.5, rowSignal: 3.4, chunkReading: 2.6, chunkSignal: 0.45, rollup: 35, rollupSignal: 26, sketchRoot: 6, sketchMax: 500, readingsOfChunk: 500 } as const
const dayMs = 86_400_000
/** TWCS lets a table go a window at a time, of which a life has about thirty; and it needs room to write before it deletes. */
const ttlSlack = 1 + 1 / 30
const compactionRoom = 1.4
const widthsMs: Readonly<Record<Bucket, number>> = { minute: 60_000, hour: 3_600_000, day: dayMs, month: 30.44 * dayMs, year: 365.25 * dayMs }

/** Rows, bytes, partitions and nodes of a fleet: arithmetic over measured bytes, rounded up where it is whole things. */
export function fleetSize (ask: FleetAsk): FleetSize {
  const { intervalMs, signals, mode, ttlMs, windows, rollupsTtlMs, rf, node } = ask
  const readings = mode === 'rows'
    ? tableOf(ask, { table: 'readings', apartMs: intervalMs, bytesPerRow: measuredBytes.row + signals * measuredBytes.rowSignal, ttlMs, width: widthFor(intervalMs) })
    : tableOf(ask, { table: 'chunks', apartMs: intervalMs * measuredBytes.readingsOfChunk, bytesPerRow: measuredBytes.readingsOfChunk * (measuredBytes.chunkReading + signals * measuredBytes.chunkSignal), ttlMs, width: widthFor(intervalMs * 10) })
  const rollups = windows.map(({ name, startsApartMs, summed }) => tableOf(ask, { table: name, apartMs: startsApartMs, bytesPerRow: measuredBytes.rollup + summed * (measuredBytes.rollupSignal + sketchBytes(startsApartMs / intervalMs)), ttlMs: rollupsTtlMs, width: widthFor(startsApartMs) }))
  const tables = [readings, ...rollups]
  const perDay = (of: (table: FleetTable) => number) => tables.reduce((sum, table) => sum + of(table), 0)
  const rowsPerSecond = perDay(({ rowsPerDay }) => rowsPerDay) / 86_400
  const bytesPerDay = perDay(({ rowsPerDay, rows, bytes }) => rows === 0 ? 0 : bytes / rows * rowsPerDay)
  const diskBytes = Math.ceil(perDay(({ bytes }) => bytes) * rf * compactionRoom)
  const [byDisk, byWrites] = [Math.ceil(diskBytes / node.diskBytes), Math.ceil(rowsPerSecond * rf / node.rowsPerSecond)]
  const nodes = Math.max(byDisk, byWrites, rf)
  return { tables, rowsPerSecond, bytesPerDay, diskBytes, nodes, because: nodes === rf && byDisk <= rf && byWrites <= rf ? 'copies' : byDisk >= byWrites ? 'disk' : 'writes' }
}

/** A sketch has a bin for each two per cent that values differ by: of more readings it fills more, and ever fewer. */
const sketchBytes = (readings: number): number => Math.min(measuredBytes.sketchMax, measuredBytes.sketchRoot * Math.sqrt(readings))

interface TableAsk { readonly table: string, readonly apartMs: number, readonly bytesPerRow: number, readonly ttlMs: number | null, readonly width: Bucket }

function tableOf ({ devices, spanMs }: FleetAsk, { table, apartMs, bytesPerRow, ttlMs, width }: TableAsk): FleetTable {
  const keptMs = ttlMs === null ? spanMs : ttlMs * ttlSlack
  const rows = devices * keptMs / apartMs
  const partitionRows = Math.min(widthsMs[width], keptMs) / apartMs
  return {
    table, width, rowsPerDay: devices * dayMs / apartMs, rows: Math.ceil(rows), bytes: Math.ceil(rows * bytesPerRow),
    partitions: devices * Math.ceil(keptMs / widthsMs[width]), partitionRows: Math.ceil(partitionRows), partitionBytes: Math.ceil(partitionRows * bytesPerRow),
  }
}

/** More rows in a partition than are good, whatever its width. */
export const isTooDense = ({ partitionRows }: FleetTable): boolean => partitionRows > partitionRowsMax
