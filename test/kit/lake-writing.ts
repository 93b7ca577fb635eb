import { type Batch, type Column, type ColumnSpec, createBatch, createColumn } from '../../pipelines/core/batch.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import type { LakeAlert, LakeChunks, LakeLayout, LakePort, LakeReadings, LakeRollups } from '../../pipelines/core/lake-ports.ts'
import { createWindowBatch } from '../../pipelines/core/window-batch.ts'
import type { ControlEvent } from '../../schemas/control-event.ts'
import { partColumn, type PlainCell, type PlainReading, type PlainRollup } from './memory-lake.ts'

export interface PlainRows { readonly readings?: readonly PlainReading[], readonly rollups?: Readonly<Record<string, readonly PlainRollup[]>>, readonly events?: readonly ControlEvent[] }

const topic = 'readings'

/** Give a lake plain rows as a pond would, task by task in the order of the log, and commit. */
export async function storePlain (lake: LakePort, layout: LakeLayout, { readings = [], rollups = {}, events = [] }: PlainRows): Promise<void> {
  const positions: { topic: string, partition: number, offset: number, metadata: string }[] = []
  const inChunks = layout.rawMode === 'chunks' && lake.addChunks !== undefined
  if (inChunks) for (const rows of chunkTasks(layout, readings)) lake.addChunks!(rows)
  else for (const rows of readingTasks(layout, readings)) {
    if (lake.pendingRows >= lake.pendingRowsMax / 2) await lake.commit([])
    lake.addReadings(rows)
    positions.push({ topic, partition: rows.partition, offset: rows.batch.position[rows.batch.count - 1]! + 1, metadata: '' })
  }
  for (const [window, some] of Object.entries(rollups)) for (const rows of rollupTasks(layout, window, some)) lake.addRollups(rows)
  lake.addEvents(events)
  await lake.commit([...Map.groupBy(positions, ({ partition }) => partition).values()].map(some => some.at(-1)!))
}

/** Batches of at most 4,096 readings, those of one source and partition by offset. */
export function * readingTasks (layout: LakeLayout, readings: readonly PlainReading[]): Generator<LakeReadings> {
  for (const task of Map.groupBy(readings, ({ source, partition }) => JSON.stringify([source, partition])).values()) {
    const keys = new KeyTable(1 << 20)
    const sorted = task.toSorted((a, b) => a.offset - b.offset)
    for (let from = 0; from < sorted.length; from += 4096) {
      const rows = sorted.slice(from, from + 4096)
      const batch = createBatch(layout.signals)
      let clock = Number.NEGATIVE_INFINITY
      rows.forEach((row, index) => {
        clock = Math.max(clock, row.arrival)
        place(batch, keys, index, { key: row.key, at: row.at, arrival: row.arrival, clock, position: row.offset })
        batch.columns.forEach(column => { fill(column, index, row.values[column.name] ?? null) })
      })
      batch.count = rows.length
      yield { source: rows[0]!.source, topic, partition: rows[0]!.partition, batch, keys }
    }
  }
}

/** Chunks of up to 300 readings of a device, cut by count. */
function * chunkTasks (layout: LakeLayout, readings: readonly PlainReading[]): Generator<LakeChunks> {
  for (const task of Map.groupBy(readings, ({ source, partition, key }) => JSON.stringify([source, partition, key])).values()) {
    const sorted = task.toSorted((a, b) => a.offset - b.offset)
    for (let from = 0; from < sorted.length; from += 300) {
      const rows = sorted.slice(from, from + 300)
      const keys = new KeyTable(1)
      const columns = layout.signals.map(spec => createColumn(spec, rows.length))
      for (const column of columns) rows.forEach(({ values }, row) => { fill(column, row, values[column.name] ?? null) })
      const numbers = (of: (row: PlainReading) => number) => Float64Array.from(rows, of)
      const chunk = { key: keys.internText(rows[0]!.key), count: rows.length, at: numbers(({ at }) => at), arrival: numbers(({ arrival }) => arrival), offset: numbers(({ offset }) => offset), columns, arrivalClock: Math.max(...rows.map(({ arrival }) => arrival)) }
      yield { source: rows[0]!.source, topic, partition: rows[0]!.partition, chunks: { count: 1, rows: rows.length, keys, read: () => chunk, clear: () => {} } }
    }
  }
}

function * rollupTasks (layout: LakeLayout, name: string, rollups: readonly PlainRollup[]): Generator<LakeRollups> {
  const window = layout.windows.find(one => one.name === name)!
  const specs: readonly ColumnSpec[] = [...window.columns, ...window.parts.map(partColumn)]
  for (const [source, rows] of Map.groupBy(rollups, rollup => rollup.source)) {
    const keys = new KeyTable(1 << 20)
    const batch = createWindowBatch(specs, rows.length)
    rows.forEach((row, index) => {
      place(batch, keys, index, { key: row.key, at: row.end, arrival: row.end, clock: row.end, position: index })
      batch.start[index] = row.start
      batch.end[index] = row.end
      batch.revision[index] = row.revision
      batch.final[index] = row.final ? 1 : 0
      batch.expected[index] = row.expected
      batch.received[index] = row.received
      batch.columns.forEach(column => { fill(column, index, row.values[column.name] ?? null) })
    })
    batch.count = rows.length
    yield { window: name, source, topic, partition: 0, rows: batch, keys }
  }
}

function place (batch: Batch, keys: KeyTable, row: number, { key, at, arrival, clock, position }: { readonly key: string, readonly at: number, readonly arrival: number, readonly clock: number, readonly position: number }): void {
  batch.key[row] = keys.internText(key)
  batch.at[row] = at
  batch.arrival[row] = arrival
  batch.arrivalClock[row] = clock
  batch.position[row] = position
}

function fill (column: Column, row: number, cell: PlainCell): void {
  column.known[row] = cell === null ? 0 : 1
  if (column.kind === 'text') column.values[row] = cell === null ? 0 : column.dictionary.internText(cell as string)
  else if (column.kind === 'value') column.values[row] = cell
  else column.values[row] = cell === null ? Number.NaN : Number(cell)
}

/** An event as it goes into a lake; `changes` on top of a raise of the rule `warm`. */
export function controlEvent (changes: Partial<ControlEvent> & Pick<ControlEvent, 'alertId' | 'key' | 'raisedAt'>): ControlEvent {
  const { seq = 0, raisedAt } = changes
  return {
    id: `${changes.alertId}/${seq}`, seq, ordinal: 1, pipeline: 'cold-chain', rule: 'warm', ruleVersion: 'v1', state: seq === 0 ? 'raised' : 'cleared', severity: 'critical', reason: null, labels: {}, summary: null,
    at: raisedAt, arrivedAt: raisedAt + 7, expiresAt: null, mode: 'live', values: {}, units: {}, window: null, source: { topic, partition: 0, offset: 1 }, ...changes,
  }
}

/** Episodes as they stand after these events. */
export function alertsOfEvents (events: readonly ControlEvent[]): LakeAlert[] {
  return [...Map.groupBy(events, ({ alertId }) => alertId).values()].map(own => {
    const { id: _, arrivedAt: __, at, ...last } = own.toSorted((a, b) => a.seq - b.seq).at(-1)!
    return { ...last, updatedAt: at, clearedAt: last.state === 'cleared' ? at : null, raisedArrival: own.find(({ state }) => state === 'raised')?.arrivedAt ?? null }
  })
}
