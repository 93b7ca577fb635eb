import assert from 'node:assert/strict'
import { type Batch, createBatch } from '../core/batch.ts'
import { type ErrorCode, errorText } from '../core/errors.ts'
import { canonicalJson, hashText } from '../core/hash.ts'
import type { JournalContent } from '../core/journal.ts'
import type { KeyTable } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { NormaliseSpec } from '../core/spec.ts'
import type { JournalSink, NormaliseStage } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import type { TableView } from '../core/table.ts'
import { Dedupe } from './dedupe.ts'
import { Fates } from './fates.ts'
import type { Lookup } from './lookup.ts'
import { makeMappers } from './make-mapper.ts'
import { ExpressionMapper, type Mapper } from './mapper.ts'
import { Range } from './range.ts'
import { pickDoubles, pickInts, type Writable } from './slot.ts'

export interface NormaliseOptions { readonly number: number, readonly keys: KeyTable, readonly tables: ReadonlyMap<string, TableView> }

/** The furthest a date can be from the epoch. Source: ECMA-262, time values */
const timeMaxMs = 8.64e15
const schemaIdBytes = 5

/**
 * Contract fields to signals, for one source.
 *
 * Shape:  a batch with the contract's columns -> a batch with the signals' columns; when no row is dropped the two share
 *         everything but what is computed
 * Units:  a field is converted from its unit to the signal's; times milliseconds since the epoch
 * State:  readings remembered for dedupe, table rows last used, what expressions remember
 * Errors: NORMALISE_FUTURE, NORMALISE_TIME, NORMALISE_RANGE and NORMALISE_FUNCTION dead-letter the row; duplicates are counted
 */
export function createNormaliseStage (spec: NormaliseSpec, options: NormaliseOptions): NormaliseStage {
  return new Normalise(spec, options)
}

class Normalise implements NormaliseStage {
  readonly name = 'normalise'
  readonly hash: string
  readonly number: number
  readonly tables: ReadonlyMap<string, TableView>
  readonly #spec: NormaliseSpec
  readonly #keys: KeyTable
  readonly #dedupe: Dedupe | null
  readonly #mappers: readonly Mapper[]
  readonly #lookups: readonly Lookup[]
  readonly #ranges: readonly Range[]
  readonly #fates = new Fates()
  /** What the stages behind see: one object whose arrays are the input's or, after a drop, those of `#own`. */
  readonly #signals: Writable<Batch>
  #own: Batch = createBatch([], 0)
  #rows = new Int32Array(0)

  constructor (spec: NormaliseSpec, { number, keys, tables }: NormaliseOptions) {
    assert(spec.mappings.length === spec.signals.length && spec.ranges.length === spec.signals.length, 'one mapping and one range per signal')
    this.number = number
    this.#spec = spec
    this.#keys = keys
    const { mappers, lookups } = makeMappers(spec, { keys, tables })
    this.#mappers = mappers
    this.#lookups = lookups
    this.#ranges = spec.ranges.flatMap((range, index) => range === null || spec.signals[index]!.kind !== 'number' ? [] : [new Range(range, mappers[index]!.slot)])
    this.#dedupe = spec.dedupe === null ? null : new Dedupe({ ...spec.dedupe, fields: spec.fields })
    this.hash = this.#stateHash()
    this.tables = new Map([...tables].filter(([name]) => lookups.some(({ table }) => table === name)))
    this.#signals = { ...createBatch([], 0), columns: mappers.map(({ slot }) => slot.column) }
  }

  process (batch: Batch, out: Outputs, journal: JournalSink | null): Batch {
    assert(batch.columns.length === this.#spec.fields.length, 'the batch has the fields of the contract')
    const fates = this.#fates
    fates.begin(batch.capacity)
    this.#guard(batch)
    this.#dedupe?.process(batch, fates, out)
    for (const lookup of this.#lookups) {
      lookup.reserve()
      if (journal !== null) lookup.read(batch, fates.skip, journal)
    }
    for (const mapper of this.#mappers) mapper.map(batch, fates)
    for (const range of this.#ranges) range.check(batch, fates, out)
    for (const [row, { reason, details }] of fates.letters()) this.#deadLetter(batch, { row, reason, message: errorText(reason, details) }, out)
    return fates.dropped === 0 ? this.#pass(batch) : this.#pick(batch)
  }

  lookup ({ table, key, row }: JournalContent & { kind: 'lookup' }): void {
    this.#lookups.find(lookup => lookup.table === table)?.set(key, row)
  }

  snapshot (): StateTree {
    return {
      dedupe: this.#dedupe === null ? null : this.#dedupe.snapshot(),
      lookups: Object.fromEntries(this.#lookups.map(lookup => [lookup.table, lookup.snapshot()])),
      expressions: Object.fromEntries(this.#remembering().map(({ slot, expression }) => [slot.column.name, expression.snapshot()])),
    }
  }

  restore (state: StateTree): void {
    const lookups = state.lookups as StateTree
    const expressions = state.expressions as StateTree
    this.#dedupe?.restore(state.dedupe as StateTree)
    for (const lookup of this.#lookups) lookup.restore(lookups[lookup.table] as StateTree)
    for (const { slot, expression } of this.#remembering()) expression.restore(expressions[slot.column.name] as StateTree)
  }

  /** Of what is remembered alone: other mappings may change while the state lives on. */
  #stateHash (): string {
    const { dedupe, fields, mappings, signals } = this.#spec
    const by = dedupe?.by.map(name => fields.find(field => field.name === name)!.kind)
    const lookups = mappings.flatMap((mapping, index) => mapping.kind === 'table' ? [[mapping.table, mapping.column, signals[index]!.kind]] : [])
    return hashText(canonicalJson([dedupe, by, lookups, this.#remembering().map(({ slot, expression }) => [slot.column.name, expression.text])]))
  }

  #remembering (): ExpressionMapper[] {
    return this.#mappers.filter(mapper => mapper instanceof ExpressionMapper).filter(({ expression }) => expression.stateful)
  }

  /** A time far ahead of arrival, or none at all. */
  #guard ({ at, arrival, count }: Batch): void {
    const { futureMaxMs } = this.#spec
    for (let row = 0; row < count; row += 1) {
      const eventAt = at[row]!
      if (eventAt - arrival[row]! <= futureMaxMs && eventAt >= -timeMaxMs && eventAt <= timeMaxMs) continue
      if (eventAt >= -timeMaxMs && eventAt <= timeMaxMs) this.#fates.deadLetter(row, 'NORMALISE_FUTURE', { at: eventAt, arrival: arrival[row]!, futureMaxMs })
      else this.#fates.deadLetter(row, 'NORMALISE_TIME', { at: String(eventAt) })
    }
  }

  #deadLetter (batch: Batch, { row, reason, message }: { readonly row: number, readonly reason: ErrorCode, readonly message: string }, out: Outputs): void {
    const value = new Uint8Array(batch.bytes.subarray(batch.valueStart[row]!, batch.valueEnd[row]!))
    const schemaId = value.length >= schemaIdBytes && value[0] === 0 ? new DataView(value.buffer, value.byteOffset).getInt32(1) : null
    const key = this.#keys.bytes(batch.key[row]!).slice()
    out.deadLetters.push({ position: batch.position[row]!, stage: this.number, step: 'normalise', reason, message, arrival: batch.arrival[row]!, schemaId, key, value, headers: [] })
  }

  /** Nothing dropped: the rows are the input's. */
  #pass (batch: Batch): Batch {
    const signals = this.#signals
    signals.count = batch.count
    signals.capacity = batch.capacity
    signals.key = batch.key
    signals.at = batch.at
    signals.arrival = batch.arrival
    signals.position = batch.position
    signals.watermark = batch.watermark
    signals.arrivalClock = batch.arrivalClock
    signals.bytes = batch.bytes
    signals.valueStart = batch.valueStart
    signals.valueEnd = batch.valueEnd
    return signals
  }

  /** Copy the rows that stay. */
  #pick (batch: Batch): Batch {
    const { capacity } = batch
    if (this.#own.capacity < capacity) {
      this.#own = createBatch([], capacity)
      this.#rows = new Int32Array(capacity)
    }
    const own = this.#own
    const rows = this.#rows
    const count = this.#fates.kept(rows, batch.count)
    pickInts(batch.key, own.key, rows, count)
    pickDoubles(batch.at, own.at, rows, count)
    pickDoubles(batch.arrival, own.arrival, rows, count)
    pickDoubles(batch.position, own.position, rows, count)
    pickInts(batch.valueStart, own.valueStart, rows, count)
    pickInts(batch.valueEnd, own.valueEnd, rows, count)
    for (const { slot } of this.#mappers) slot.pick(rows, count, capacity)
    own.count = count
    own.bytes = batch.bytes
    return this.#pass(own)
  }
}
