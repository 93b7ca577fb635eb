import type { Batch } from '../core/batch.ts'
import type { Cursor } from './cursor.ts'
import { Poison, pause, poison } from './poison.ts'
import type { Projection, Target } from './project.ts'
import { failure, runSteps, type Sinks } from './steps.ts'
import { createPlace, headerSchemaId, int32, locate, type Place, prefixBytes } from './wire.ts'

/**
 * Decodes records of one schema, from `c.at` on, into rows from `c.row` on.
 *
 * Shape:  stops with `c.fail` at the record that is poison or needs the slow path, `c.at` at its start; else when the rows or the records are used up
 */
export type RowLoop = (c: Cursor) => void

export interface LoopOptions { readonly batch: Batch, readonly sinks: Sinks, readonly schemaId: number, readonly projection: Projection, readonly targets: readonly Target[] }

/** The row loop by closures, for where code generation is forbidden. Same results as the generated one. */
export function interpretRows (options: LoopOptions): RowLoop {
  const { batch, sinks, projection, schemaId } = options
  const run = runSteps(projection.steps, sinks)
  const finish = finishRow(options)
  const place = createPlace()
  return c => {
    while (c.left > 0 && c.row < batch.capacity) {
      const { at: start } = c
      c.fail = ready(c, place, schemaId)
      if (c.fail !== 0) return
      if (place.offset >= c.from) {
        c.fail = attempt(c, run) || finish(c, place)
        if (c.fail !== 0) { c.at = start; return }
        c.row += 1
      }
      c.at = place.end
      c.left -= 1
    }
  }
}

/** Find the record and its value's bytes, when it is one of this schema. */
function ready (c: Cursor, place: Place, schemaId: number): number {
  if (!locate(c, place)) return pause.damaged
  if (place.offset < c.from) return 0
  if (place.offset >= c.to) return pause.finished
  const { valueStart, valueLength, headersStart, end } = place
  if (valueLength < 1) return pause.elsewhere
  const header = headersStart + 1 === end && c.bytes[headersStart] === 0 ? 0 : headerSchemaId(c, headersStart, end, c.limits.headersMax)
  const prefixed = header === 0 && valueLength >= prefixBytes && c.bytes[valueStart] === 0
  // A forged id in the prefix may look like a GUID's handle.
  const id = prefixed ? Math.max(int32(c.bytes, valueStart + 1), 0) : header
  if (id === 0 || id !== schemaId) {
    c.schemaId = id
    return pause.elsewhere
  }
  if (valueLength > c.limits.recordBytesMax) return failure(poison.recordBytes, -1)
  c.at = header === 0 ? valueStart + prefixBytes : valueStart
  c.end = headersStart
  c.elements = c.depth = 0
  c.time = Number.NaN
  c.keyLength = -1
  return 0
}

function attempt (c: Cursor, run: (c: Cursor, row: number) => void): number {
  try { run(c, c.row); return 0 } catch (problem) {
    if (problem instanceof Poison) return failure(problem.code, c.name)
    throw problem
  }
}

/** Check what holds for the whole record, intern its key, and fill what every row has. */
function finishRow ({ batch, sinks, targets }: LoopOptions): (c: Cursor, place: Place) => number {
  const keyTarget = targets.find(target => target.key)!
  const keyColumn = keyTarget.kind === 'text' && keyTarget.column >= 0 ? sinks.columns[keyTarget.column]! : null
  return (c, place) => {
    const { row } = c
    if (c.at !== c.end) return failure(poison.trailing, -1)
    if (c.keyLength < 0) return failure(poison.key, -1)
    if (c.time - c.time !== 0) return failure(poison.time, -1)
    const key = sinks.keys.internUtf8(c.keyBytes, c.keyView, c.keyStart, c.keyLength)
    if (key < 0) return failure(key === -1 ? poison.keysFull : poison.utf8, -1)
    if (keyColumn !== null) {
      keyColumn.values[row] = key
      keyColumn.known[row] = 1
    }
    batch.key[row] = key
    batch.at[row] = c.time
    batch.arrival[row] = place.timestamp
    batch.position[row] = place.offset
    batch.valueStart[row] = place.valueStart
    batch.valueEnd[row] = place.headersStart
    return 0
  }
}
