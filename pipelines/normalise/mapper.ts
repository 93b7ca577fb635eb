import { type Batch, cell, type Column } from '../core/batch.ts'
import { KeyTable } from '../core/keys.ts'
import type { NamedFunction, SignalSpec } from '../core/spec.ts'
import type { Expression } from '../expression/compile.ts'
import type { Fates } from './fates.ts'
import { apply, applyColumn, type Linear } from './linear.ts'
import type { LookupColumn } from './lookup-column.ts'
import { Slot } from './slot.ts'

/** Fills the column of one signal. */
export interface Mapper {
  readonly slot: Slot
  map (batch: Batch, fates: Fates): void
}

const ownTextsMax = 1 << 20
/** A dictionary of computed texts is replaced between batches when it holds more than this. */
const ownTextsSoftMax = 1 << 16

/** A field as it is: the signal shows the field's own arrays. */
export class SharedMapper implements Mapper {
  readonly slot: Slot
  readonly #field: number

  constructor (signal: SignalSpec, field: number) {
    this.slot = new Slot(signal)
    this.#field = field
  }

  map (batch: Batch): void { this.slot.share(batch.columns[this.#field]!) }
}

/** Calibration and conversion of a number or a 0/1. An unknown cell stays NaN. */
export class LinearMapper implements Mapper {
  readonly slot: Slot
  readonly #field: number
  readonly #linear: Linear

  constructor (signal: SignalSpec, field: number, linear: Linear) {
    this.slot = new Slot(signal)
    this.#field = field
    this.#linear = linear
  }

  map (batch: Batch): void {
    const field = batch.columns[this.#field]!
    const { values, known } = this.slot.own(batch.capacity)
    if (field.kind === 'number') applyColumn(field.values, values as Float64Array, batch.count, this.#linear)
    else for (let row = 0; row < batch.count; row += 1) (values as Float64Array)[row] = field.known[row] === 0 ? Number.NaN : apply(Number(field.values[row]), this.#linear)
    known.set(field.known.subarray(0, batch.count))
  }
}

/** What has no dense form (long integers, decimals) or another one: cell by cell, unknown where it does not fit. */
export class CastMapper implements Mapper {
  readonly slot: Slot
  readonly #field: number
  readonly #signal: SignalSpec
  readonly #linear: Linear
  #texts = new KeyTable(ownTextsMax)

  constructor (signal: SignalSpec, field: number, linear: Linear) {
    this.slot = new Slot(signal)
    this.#field = field
    this.#signal = signal
    this.#linear = linear
  }

  map (batch: Batch): void {
    const field = batch.columns[this.#field]!
    this.#texts = roomy(this.#texts)
    const column = this.slot.own(batch.capacity, this.#texts)
    for (let row = 0; row < batch.count; row += 1) put(column, row, this.#cast(cell(field, row)))
  }

  #cast (value: unknown): unknown {
    const { kind } = this.#signal
    if (value === null) return null
    if (kind === 'number') return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? apply(Number(value), this.#linear) : null
    if (kind === 'bool') return value === true || value === 1 || value === 1n ? true : value === false || value === 0 || value === 0n ? false : null
    return typeof value === 'string' ? value : null
  }
}

/** CEL over the contract's fields, its result in the signal's unit. */
export class ExpressionMapper implements Mapper {
  readonly slot: Slot
  readonly expression: Expression
  readonly #linear: Linear | null
  #texts = new KeyTable(ownTextsMax)

  constructor (signal: SignalSpec, expression: Expression, linear: Linear | null) {
    this.slot = new Slot(signal)
    this.expression = expression
    this.#linear = linear
  }

  map (batch: Batch, fates: Fates): void {
    this.#texts = roomy(this.#texts)
    const column = this.slot.own(batch.capacity, this.#texts)
    this.expression.evaluate(batch, column, fates.dropped === 0 ? null : fates.skip)
    if (this.#linear !== null && column.kind === 'number') applyColumn(column.values, column.values, batch.count, this.#linear)
  }
}

/** A table's column, by the reading's key. */
export class LookupMapper implements Mapper {
  readonly slot: Slot
  readonly #from: LookupColumn

  constructor (signal: SignalSpec, from: LookupColumn) {
    this.slot = new Slot(signal)
    this.#from = from
  }

  map (batch: Batch): void {
    const { values, known, dictionary } = this.#from
    const column = this.slot.own(batch.capacity, dictionary)
    switch (column.kind) {
      case 'number': gatherDoubles(batch, { values, known }, column); break
      case 'text': gatherInts(batch, { values, known }, column); break
      case 'bool': gatherBytes(batch, { values, known }, column); break
      case 'value': break
    }
  }
}

interface ByKey { readonly values: Float64Array, readonly known: Uint8Array }

function gatherDoubles ({ key, count }: Batch, from: ByKey, { values, known }: { readonly values: Float64Array, readonly known: Uint8Array }): void {
  for (let row = 0; row < count; row += 1) {
    values[row] = from.values[key[row]!]!
    known[row] = from.known[key[row]!]!
  }
}

function gatherInts ({ key, count }: Batch, from: ByKey, { values, known }: { readonly values: Int32Array, readonly known: Uint8Array }): void {
  for (let row = 0; row < count; row += 1) {
    values[row] = from.values[key[row]!]!
    known[row] = from.known[key[row]!]!
  }
}

function gatherBytes ({ key, count }: Batch, from: ByKey, { values, known }: { readonly values: Uint8Array, readonly known: Uint8Array }): void {
  for (let row = 0; row < count; row += 1) {
    values[row] = from.values[key[row]!]!
    known[row] = from.known[key[row]!]!
  }
}

/**
 * A function of the definition, by name: the one escape, a call with plain values per record.
 *
 * Errors: NORMALISE_FUNCTION dead-letters a row for which it throws or gives another kind than the signal's
 */
export class FunctionMapper implements Mapper {
  readonly slot: Slot
  readonly #signal: SignalSpec
  readonly #call: NamedFunction
  readonly #fields: readonly number[]
  #texts = new KeyTable(ownTextsMax)

  constructor (signal: SignalSpec, call: NamedFunction, fields: readonly number[]) {
    this.slot = new Slot(signal)
    this.#signal = signal
    this.#call = call
    this.#fields = fields
  }

  map (batch: Batch, fates: Fates): void {
    this.#texts = roomy(this.#texts)
    const column = this.slot.own(batch.capacity, this.#texts)
    for (let row = 0; row < batch.count; row += 1) put(column, row, fates.skip[row] === 1 ? null : this.#apply(batch, row, fates))
  }

  #apply (batch: Batch, row: number, fates: Fates): unknown {
    const { name, kind } = this.#signal
    try {
      const value = (this.#call.apply as (...fields: unknown[]) => unknown)(...this.#fields.map(field => cell(batch.columns[field]!, row)))
      if (value === null || value === undefined) return null
      if (typeof value === { number: 'number', bool: 'boolean', text: 'string' }[kind]) return Number.isNaN(value) ? null : value
      fates.deadLetter(row, 'NORMALISE_FUNCTION', { function: this.#call.name, signal: name, expected: kind, given: typeof value })
    } catch (cause) {
      fates.deadLetter(row, 'NORMALISE_FUNCTION', { function: this.#call.name, signal: name, error: cause instanceof Error ? cause.message : String(cause) })
    }
    return null
  }
}

/** A signal that this source does not have: unknown everywhere. */
export class NothingMapper implements Mapper {
  readonly slot: Slot

  constructor (signal: SignalSpec) { this.slot = new Slot(signal) }

  map (batch: Batch): void {
    const column = this.slot.own(batch.capacity)
    column.known.fill(0, 0, batch.count)
    if (column.kind === 'number') column.values.fill(Number.NaN, 0, batch.count)
  }
}

/** A new dictionary rather than a cleared one: who remembers ids by dictionary is not misled. */
const roomy = (texts: KeyTable) => texts.size > ownTextsSoftMax ? new KeyTable(ownTextsMax) : texts

function put (column: Column, row: number, value: unknown): void {
  column.known[row] = value === null ? 0 : 1
  switch (column.kind) {
    case 'number': column.values[row] = value === null ? Number.NaN : value as number; break
    case 'bool': column.values[row] = value === true ? 1 : 0; break
    case 'text': {
      const id = value === null ? 0 : column.dictionary.internText(value as string)
      column.values[row] = id
      if (id < 0) column.known[row] = 0
      break
    }
    case 'value': column.values[row] = value
  }
}
