import { type Batch, cell, createBatch } from '../../pipelines/core/batch.ts'
import { TaskClock } from '../../pipelines/core/clock.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import { Outputs } from '../../pipelines/core/outputs.ts'
import type { SignalSpec, WindowSpec } from '../../pipelines/core/spec.ts'
import { createWindowStage } from '../../pipelines/window/stage.ts'

export interface Reading { readonly key: string, readonly at: number, readonly arrival?: number, readonly values: Readonly<Record<string, number | string | boolean | null>> }
export type Step = Reading | { readonly watermark: number } | { readonly tick: number } | { readonly drain: true }

export interface WindowRow {
  readonly kind: 'window'
  readonly key: string
  readonly start: number
  readonly end: number
  readonly revision: number
  readonly final: boolean
  readonly closing: boolean
  readonly retraction: boolean
  readonly expected: number
  readonly received: number
  readonly values: Readonly<Record<string, unknown>>
  readonly position: number
  readonly arrival: number
}
export type Emitted = WindowRow
  | { readonly kind: 'late', readonly key: string, readonly at: number, readonly position: number, readonly value: string }
  | { readonly kind: 'full', readonly key: string, readonly position: number, readonly value: string }

export interface DriverOptions {
  readonly signals: readonly SignalSpec[]
  readonly latenessMs?: number
  readonly idleMs?: number
  readonly explicit?: boolean
  /** Readings per batch at most. */
  readonly batchRows?: number
  /** Before every step: a snapshot, and a new stage (or the same one, which has gone on) restored from it. */
  readonly restarts?: boolean | 'in place'
}

/** Plays steps through a window stage; gives what came out for each step. Values are the step's number as text. */
export function playWindow (spec: WindowSpec, steps: readonly Step[], options: DriverOptions): Emitted[][] {
  const { signals, latenessMs = 0, idleMs = Number.POSITIVE_INFINITY, explicit = false, batchRows = 1, restarts = false } = options
  let keys = new KeyTable(1 << 20)
  let clock = new TaskClock({ latenessMs, idleMs, explicit })
  let stage = createWindowStage(spec, { number: 2, keys, signals })
  const out = new Outputs()
  const emitted: Emitted[][] = steps.map(() => [])
  let position = -1
  let highest = Number.NEGATIVE_INFINITY
  const stepOf = new Map<number, number>([[-1, 0]])

  const restart = () => {
    const states = [keys.snapshot(), clock.snapshot(), stage.snapshot()] as const
    if (restarts === 'in place') {
      const reading = createBatch(signals, 1)
      addRow(reading, { reading: { key: 'elsewhere', at: highest > 0 ? highest + 1e6 : 0, values: {} }, key: keys.internText('elsewhere'), position: position + 1, arrival: highest, value: '' })
      stage.process(reading, new Outputs())
      stage.drain({ watermark: clock.watermark, arrivalClock: clock.arrival, position }, new Outputs())
      stage.rows.count = 0
      stage.restore(states[2])
      return
    }
    keys = new KeyTable(1 << 20)
    keys.restore(states[0])
    clock = new TaskClock({ latenessMs, idleMs, explicit })
    clock.restore(states[1])
    stage = createWindowStage(spec, { number: 2, keys, signals })
    stage.restore(states[2])
  }
  const collect = (step: number | null) => {
    for (const one of readOutputs(out, keys)) emitted[step ?? stepOf.get(one.position)!]!.push(one)
    out.clear()
  }
  for (let step = 0; step < steps.length;) {
    if (restarts) restart()
    const run = readingsFrom(steps, step, batchRows)
    if (run.length > 0) {
      const batch = createBatch(signals, Math.max(run.length, 16))
      for (const reading of run) {
        highest = Math.max(highest, reading.at)
        position += 1
        stepOf.set(position, step)
        addRow(batch, { reading, key: keys.internText(reading.key), position, arrival: reading.arrival ?? highest, value: String(step) })
        step += 1
      }
      clock.stamp(batch)
      stage.process(batch, out)
      collect(null)
      continue
    }
    const one = steps[step] as Exclude<Step, Reading>
    if ('tick' in one) clock.tick(one.tick)
    if ('watermark' in one) clock.watermarkTo(one.watermark)
    const moment = { watermark: clock.watermark, arrivalClock: clock.arrival, position }
    if ('drain' in one) stage.drain(moment, out)
    else stage.advance(moment, out)
    collect(step)
    step += 1
  }
  return emitted
}

function readingsFrom (steps: readonly Step[], from: number, most: number): Reading[] {
  const readings: Reading[] = []
  for (const step of steps.slice(from, from + most)) {
    if (!('key' in step)) break
    readings.push(step)
  }
  return readings
}

interface Row { readonly reading: Reading, readonly key: number, readonly position: number, readonly arrival: number, readonly value: string }

function addRow (batch: Batch, { reading, key, position, arrival, value }: Row): void {
  const row = batch.count
  batch.count += 1
  batch.key[row] = key
  batch.at[row] = reading.at
  batch.arrival[row] = arrival
  batch.position[row] = position
  const bytes = Buffer.from(value)
  const start = batch.bytes.length
  batch.bytes = Buffer.concat([batch.bytes, bytes])
  batch.valueStart[row] = start
  batch.valueEnd[row] = start + bytes.length
  for (const column of batch.columns) {
    const given = reading.values[column.name] ?? null
    column.known[row] = given === null ? 0 : 1
    if (column.kind === 'text') column.values[row] = given === null ? 0 : column.dictionary.internText(String(given))
    else if (column.kind !== 'value') column.values[row] = given === null ? (column.kind === 'number' ? Number.NaN : 0) : Number(given)
  }
}

function readOutputs (out: Outputs, keys: KeyTable): Emitted[] {
  const found: Emitted[] = []
  for (const { position, key, at, value } of out.late) found.push({ kind: 'late', key, at, position, value: Buffer.from(value).toString() })
  for (const { position, key, value } of out.deadLetters) found.push({ kind: 'full', key: Buffer.from(key!).toString(), position, value: Buffer.from(value!).toString() })
  for (const { rows } of out.windows) {
    for (let row = 0; row < rows.count; row += 1) {
      found.push({
        kind: 'window', key: keys.text(rows.key[row]!), start: rows.start[row]!, end: rows.end[row]!, revision: rows.revision[row]!,
        final: rows.final[row] === 1, closing: rows.closing[row] === 1, retraction: rows.retraction[row] === 1,
        expected: rows.expected[row]!, received: rows.received[row]!, position: rows.position[row]!, arrival: rows.arrival[row]!,
        values: Object.fromEntries(rows.columns.map(column => [column.name, cell(column, row)])),
      })
    }
  }
  return found
}
