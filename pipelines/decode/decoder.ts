import { type Batch, batchRowsMax, type Column, createBatch } from '../core/batch.ts'
import { type ErrorCode, errorText, StreamError } from '../core/errors.ts'
import { KeyTable } from '../core/keys.ts'
import type { SchemaName } from '../core/journal.ts'
import type { Outputs } from '../core/outputs.ts'
import { batchHeaderBytes, readBatchHeader } from '../core/record-batch.ts'
import type { DecodeSpec } from '../core/spec.ts'
import type { DecodeStage } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import { Cursor } from './cursor.ts'
import { generateRows } from './generate.ts'
import { interpretRows, type LoopOptions, type RowLoop } from './interpret.ts'
import { firstHandle } from './guids.ts'
import { diagnosis, type PoisonCode, pause } from './poison.ts'
import { project, type Target, targetsOf } from './project.ts'
import { Mismatch } from './resolve.ts'
import { type AvroType, parseSchema } from './schema.ts'
import type { Sinks } from './steps.ts'
import { copyHeaders, createPlace, headerSchemaId, int32, locate, noSchema, prefixBytes } from './wire.ts'

/** Schemas remembered by id; the oldest is forgotten, and asked for again when it returns. */
const schemasMax = 4096
/** A dictionary this large is cleared before the next batch. */
const dictionaryEntriesMax = 1 << 16
const scratchBytes = 64

/** What became of a schema id: how to read its records, or why they cannot be read. */
type Verdict = Readable | Refused
interface Readable { readonly name: SchemaName, readonly run: RowLoop, readonly names: readonly string[], readonly diagnoses: Map<number, Diagnosis> }
interface Diagnosis { readonly reason: ErrorCode, readonly message: string }
interface Refused { readonly name: SchemaName, readonly refusal: ErrorCode, readonly details: Readonly<Record<string, unknown>> }

/**
 * Record batches to columns, by a decoder made for each pair of writer schema and projection.
 *
 * Shape:  bytes -> Batch with one column per field of the spec; a batch spans record batches of one load
 * Units:  `at` and columns with a time type in milliseconds; arrival is the record's timestamp, or its batch's under LogAppendTime
 * State:  the task's keys, at most `keysMax`, and the registry's answers, at most 4,096; dictionaries are a cache
 * Limits: spec.limits, checked before anything is allocated; as many dead letters a call as a batch has rows
 * Errors: poison becomes a dead letter; DECODE_BATCH, SCHEMA_INVALID, DECODE_FIELD are thrown
 * Source: every record is walked to its end, so one that is cut short or has bytes left over is found whatever the pipeline reads
 */
export function createDecodeStage (spec: DecodeSpec, number: number): DecodeStage {
  return new Decoder(spec, number)
}

/** Where the process forbids code generation, as the flag of Node does, closures do it unasked. */
function rowLoop (options: LoopOptions, codegen: boolean): RowLoop {
  if (!codegen) return interpretRows(options)
  try { return generateRows(options) } catch (problem) {
    if (problem instanceof EvalError) return interpretRows(options)
    throw problem
  }
}

class Decoder implements DecodeStage {
  readonly name = 'decode'
  readonly hash: string
  readonly number: number
  readonly keys: KeyTable
  schemaWanted: SchemaName | null = null
  readonly #spec: DecodeSpec
  readonly #contract: AvroType
  readonly #targets: readonly Target[]
  readonly #batch: Batch
  readonly #sinks: Sinks
  readonly #cursor: Cursor
  readonly #place = createPlace()
  /** The registry's answers in order of arrival. */
  readonly #schemas = new Map<SchemaName, string | null>()
  /** Made of them when the first record comes, by id or by the handle of a GUID. */
  readonly #verdicts = new Map<number, Verdict>()
  #generation = 0
  #current: Readable | null = null
  /** Where the next record batch begins. */
  #nextBatch = 0

  constructor (spec: DecodeSpec, number: number) {
    this.#spec = spec
    this.number = number
    this.hash = `decode/1 ${spec.source} ${spec.key}`
    this.#contract = parseSchema(spec.contract)
    this.#targets = targetsOf(spec, this.#contract)
    this.keys = new KeyTable(spec.keysMax)
    this.#batch = createBatch(spec.fields, batchRowsMax)
    const key = this.#targets.find(target => target.key)!
    // The key's column needs no dictionary of its own, and no second look-up: its ids are the keys'.
    if (key.kind === 'text' && key.column >= 0) (this.#batch.columns as Column[])[key.column] = { ...this.#batch.columns[key.column], dictionary: this.keys } as Column
    const scratch = new Uint8Array(scratchBytes)
    this.#sinks = { columns: this.#batch.columns, keys: this.keys, unitMs: spec.time.unitMs, caches: [], scratch, scratchView: new DataView(scratch.buffer) }
    this.#cursor = new Cursor(spec.limits)
  }

  load (bytes: Uint8Array, from: number, to: number): void {
    const c = this.#cursor
    // Always a plain Uint8Array, whatever the connector has: the loop sees one hidden class.
    c.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    c.view = new DataView(c.bytes.buffer, c.bytes.byteOffset, c.bytes.length)
    c.from = from
    c.to = to
    c.left = 0
    c.fail = 0
    this.#nextBatch = 0
    this.#batch.bytes = c.bytes
    this.schemaWanted = null
  }

  get schemaWantedAt (): number { return this.#place.offset }

  unload (): void {
    this.schemaWanted = null
    this.#finish()
  }

  next (out: Outputs): Batch | null {
    const c = this.#cursor
    if (this.schemaWanted !== null) return null
    this.#clearLargeDictionaries(dictionaryEntriesMax)
    c.row = 0
    const lettersMax = out.deadLetters.length + this.#batch.capacity
    while (c.row < this.#batch.capacity && out.deadLetters.length < lettersMax && (c.left > 0 || this.#openBatch())) {
      if (this.#current === null) c.fail = pause.elsewhere
      else { c.fail = c.schemaId = 0; this.#current.run(c) }
      if (c.fail !== 0 && !this.#switch(c) && !this.#settle(c.fail, out)) break
    }
    this.#batch.count = c.row
    // In a flood of poison a batch without rows: what was buried so far goes out before there is more.
    return c.row === 0 && out.deadLetters.length < lettersMax ? null : this.#batch
  }

  schema (id: SchemaName, avro: string | null): void {
    this.#schemas.delete(id)
    this.#schemas.set(id, avro)
    this.#forget(id)
    if (this.#schemas.size > schemasMax) {
      const oldest = this.#schemas.keys().next().value!
      this.#schemas.delete(oldest)
      this.#forget(oldest)
    }
    if (this.schemaWanted === id) this.schemaWanted = null
    this.#current = null
  }

  snapshot (): StateTree {
    return { keys: this.keys.snapshot(), schemas: [...this.#schemas] }
  }

  restore (state: StateTree): void {
    this.keys.restore(state.keys as StateTree)
    this.#schemas.clear()
    this.#verdicts.clear()
    this.#sinks.caches.length = 0
    this.schemaWanted = null
    for (const [id, avro] of state.schemas as readonly (readonly [SchemaName, string | null])[]) this.schema(id, avro)
  }

  get schemasUnknown (): readonly SchemaName[] { return [...this.#schemas].flatMap(([id, avro]) => avro === null ? [id] : []) }

  /** What was made of an answer. A GUID's handle is not to be had from here: rare as answers are, all of those go. */
  #forget (id: SchemaName): void {
    if (typeof id === 'number') this.#verdicts.delete(id)
    else for (const handle of this.#verdicts.keys()) if (handle <= firstHandle) this.#verdicts.delete(handle)
  }

  /** What the registry calls the schema of an id or handle. */
  #nameOf (id: number): SchemaName { return id <= firstHandle ? this.#cursor.guids.text(id)! : id }

  /** Undefined: the registry must be asked. */
  #verdictOf (id: number): Verdict | undefined {
    const { generation } = this.#cursor.guids
    if (generation !== this.#generation) { this.#generation = generation; this.#forget('') }
    const known = this.#verdicts.get(id)
    if (known !== undefined) return known
    const name = this.#nameOf(id)
    const avro = this.#schemas.get(name)
    if (avro === undefined) return undefined
    const verdict = this.#judge(id, name, avro)
    this.#verdicts.set(id, verdict)
    return verdict
  }

  #judge (id: number, name: SchemaName, avro: string | null): Verdict {
    if (avro === null) return { name, refusal: 'DECODE_SCHEMA_UNKNOWN', details: {} }
    try {
      const projection = project(parseSchema(avro), this.#contract, this.#targets)
      const options = { batch: this.#batch, sinks: this.#sinks, schemaId: id, projection, targets: this.#targets }
      return { name, names: projection.names, diagnoses: new Map(), run: rowLoop(options, this.#spec.codegen) }
    } catch (problem) {
      if (problem instanceof Mismatch) return { name, refusal: 'DECODE_SCHEMA_INCOMPATIBLE', details: { field: problem.at || '(top)', problem: problem.problem } }
      if (problem instanceof StreamError) return { name, refusal: 'DECODE_SCHEMA_INCOMPATIBLE', details: { problem: problem.message } }
      throw problem
    }
  }

  /** Open the next record batch that holds records; false at the end of the bytes. Part of a batch at the end waits for the next load. */
  #openBatch (): boolean {
    const c = this.#cursor
    for (;;) {
      const from = this.#nextBatch
      const header = readBatchHeader(c.bytes, from)
      if (header === null) {
        if (from + 12 <= c.bytes.length && int32(c.bytes, from + 8) < batchHeaderBytes - 12) throw new StreamError('DECODE_BATCH', { source: this.#spec.source, at: from, problem: 'its length is too small' })
        return false
      }
      if (header.magic !== 2) throw new StreamError('DECODE_BATCH', { source: this.#spec.source, offset: header.baseOffset, magic: header.magic, expected: 2 })
      this.#nextBatch = from + header.bytes
      if (header.control || header.baseOffset + header.lastOffsetDelta < c.from || header.count === 0) continue
      if (header.baseOffset >= c.to) return false
      if (header.compression !== 0) throw new StreamError('DECODE_BATCH', { source: this.#spec.source, offset: header.baseOffset, problem: 'it is compressed', codec: header.compression })
      c.at = from + batchHeaderBytes
      c.batchEnd = this.#nextBatch
      c.left = header.count
      c.baseOffset = header.baseOffset
      c.baseTimestamp = header.baseTimestamp
      c.appendTime = header.logAppendTime ? header.maxTimestamp : Number.NaN
      return true
    }
  }

  /** Writers with different schemas may take turns record by record. */
  #switch (c: Cursor): boolean {
    const verdict = c.fail === pause.elsewhere && c.schemaId !== 0 ? this.#verdicts.get(c.schemaId) : undefined
    if (verdict === undefined || 'refusal' in verdict) return false
    this.#current = verdict
    return true
  }

  /** Deal with the record at which the row loop stopped; false when the batch must end here. */
  #settle (fail: number, out: Outputs): boolean {
    const c = this.#cursor
    if (fail === pause.finished) return this.#finish()
    if (fail === pause.damaged || !locate(c, this.#place)) throw new StreamError('DECODE_BATCH', { source: this.#spec.source, baseOffset: c.baseOffset, problem: 'its records do not fit their lengths' })
    const code = fail & 255
    if (code === pause.elsewhere) return this.#elsewhere(out)
    if (code === pause.dictionaryFull) {
      if (c.row === 0) this.#clearLargeDictionaries(0)
      return c.row === 0
    }
    const { reason, message } = this.#diagnose(fail)
    return this.#bury(out, reason, message, this.#current!.name)
  }

  /** The same poison in the same field says the same: worked out once, as poison may come in floods. */
  #diagnose (fail: number): Diagnosis {
    const { name: schema, names, diagnoses } = this.#current!
    const known = diagnoses.get(fail)
    if (known !== undefined) return known
    const { reason, details } = diagnosis((fail & 255) as PoisonCode, this.#spec.limits)
    const name = names[(fail >> 8) - 1]
    const made = { reason, message: errorText(reason, { ...factOf(schema), ...name === undefined || name === '' ? {} : { field: name }, ...details }) }
    diagnoses.set(fail, made)
    return made
  }

  /** A record whose schema is not the current one, or that is not in the wire format. */
  #elsewhere (out: Outputs): boolean {
    const c = this.#cursor
    const { offset, valueStart, valueLength, headersStart, end } = this.#place
    if (offset >= c.to) return this.#finish()
    if (offset < c.from) return this.#pass()
    const header = headerSchemaId(c, headersStart, end, this.#spec.limits.headersMax)
    if (header === noSchema.damaged) return this.#deadLetter(out, 'DECODE_WIRE_FORMAT', { problem: 'damaged headers' }, null)
    if (valueLength < 1) return this.#deadLetter(out, 'DECODE_VALUE_MISSING', { value: valueLength < 0 ? 'null' : 'empty' }, null)
    if (header === noSchema.tooMany) return this.#deadLetter(out, 'DECODE_LIMIT', { limit: 'headersMax', max: this.#spec.limits.headersMax }, null)
    if (header === noSchema.malformed) return this.#deadLetter(out, 'DECODE_WIRE_FORMAT', { header: '__value_schema_id' }, null)
    const prefixed = valueLength >= prefixBytes && c.bytes[valueStart] === 0
    if (header === noSchema.none && !prefixed) return this.#deadLetter(out, 'DECODE_WIRE_FORMAT', { bytes: valueLength, firstByte: c.bytes[valueStart] }, null)
    const id = header !== noSchema.none ? header : int32(c.bytes, valueStart + 1)
    // A forged id in the prefix may look like a GUID's handle.
    if (header === noSchema.none && id <= 0) return this.#deadLetter(out, 'DECODE_SCHEMA_UNKNOWN', {}, id)
    const verdict = this.#verdictOf(id)
    if (verdict === undefined) {
      // The rows before it go out first; the next call comes back here.
      if (c.row === 0) this.schemaWanted = this.#nameOf(id)
      return false
    }
    if ('refusal' in verdict) return this.#deadLetter(out, verdict.refusal, verdict.details, verdict.name)
    this.#current = verdict
    return true
  }

  /** Nothing more is wanted of these bytes. */
  #finish (): false {
    this.#cursor.left = 0
    this.#nextBatch = this.#cursor.bytes.length
    return false
  }

  #pass (): true {
    this.#cursor.at = this.#place.end
    this.#cursor.left -= 1
    return true
  }

  #deadLetter (out: Outputs, reason: ErrorCode, details: Readonly<Record<string, unknown>>, schema: SchemaName | null): true {
    return this.#bury(out, reason, errorText(reason, { ...factOf(schema), ...details }), schema)
  }

  #bury (out: Outputs, reason: ErrorCode, message: string, schema: SchemaName | null): true {
    const c = this.#cursor
    const { start, end, offset, timestamp, keyStart, keyLength, valueStart, valueLength, headersStart } = this.#place
    const copy = c.bytes.slice(start, end)
    const part = (from: number, length: number) => length < 0 ? null : copy.subarray(from - start, from - start + length)
    const headers = end - headersStart === 1 ? [] : copyHeaders(c, this.#place)
    out.deadLetters.push({ position: offset, stage: this.number, step: 'decode', reason, message, arrival: timestamp, schemaId: typeof schema === 'number' ? schema : null, key: part(keyStart, keyLength), value: part(valueStart, valueLength), headers })
    return this.#pass()
  }

  #clearLargeDictionaries (entriesMax: number): void {
    let cleared = false
    for (const column of this.#batch.columns) {
      if (column.kind !== 'text' || column.dictionary === this.keys || column.dictionary.size <= entriesMax) continue
      column.dictionary.clear()
      cleared = true
    }
    if (cleared) for (const ids of this.#sinks.caches) ids.fill(-1)
  }
}

const factOf = (schema: SchemaName | null) => schema === null ? {} : typeof schema === 'number' ? { schemaId: schema } : { schemaGuid: schema }
