import assert from 'node:assert/strict'
import type { Batch } from '../core/batch.ts'
import type { ClosedChunk, ClosedChunks } from '../core/chunk/block.ts'
import { canonicalJson, hashText } from '../core/hash.ts'
import { grown, type KeyTable } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { ChunkSpec, SignalSpec } from '../core/spec.ts'
import type { ChunkStage, CloseChunks, Moment } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import { RowSlab, segmentRows } from './row-slab.ts'
import { TextStore } from './text-store.ts'

/** Devices are spread over so many turns of an arrival bucket, so that not all of them close at once. */
const phases = 64
const never = Number.NEGATIVE_INFINITY
/** A chunk is closed by the reading that brings its texts to this. */
const chunkTextBytesMax = 1 << 18
/** Texts of all open chunks. */
const textBytesMax = 1 << 26

export interface ChunkStageOptions {
  readonly number: number
  readonly keys: KeyTable
  /** The columns of the batches, in order. */
  readonly signals: readonly SignalSpec[]
}

/**
 * Readings gathered by device, and cut into chunks by count and by arrival: a function of the log and its ticks, row by row.
 *
 * Shape:  a chunk ends with its `rowsMax`th reading, or when the arrival clock passes the end of the device's bucket. Buckets are `withinMs` long, and begin
 *         at a 64th of it that the device's number in its partition gives
 * State:  by device 24 bytes, of an open chunk the rows in eights: see RowSlab; texts once each
 * Limits: `openRowsMax` rows of open chunks, in eights; beyond it, or beyond 64 MiB of texts, buckets end earlier, the next one first
 */
export function createChunkStage (spec: ChunkSpec, options: ChunkStageOptions): ChunkStage { return new Chunks(spec, options) }

/** A state says itself what its columns are. */
export const closeChunks: CloseChunks = (state, keys, out) => {
  const signals = ((state.slab as StateTree).columns as readonly { readonly name: string, readonly kind: SignalSpec['kind'] }[]).map(({ name, kind }) => ({ name, kind, unit: null }))
  const stage = new Chunks({ rowsMax: 1, withinMs: phases, openRowsMax: segmentRows }, { number: 0, keys, signals })
  stage.restore(state)
  stage.drain(out)
}

class Chunks implements ChunkStage {
  readonly name = 'chunk'
  readonly hash: string
  readonly number: number
  readonly #spec: ChunkSpec
  readonly #slotMs: number
  readonly #segmentsMax: number
  readonly #texts: TextStore
  readonly #slab: RowSlab
  readonly #closed: Closed
  /** By device: rows of its open chunk, the first and the last of its segments, the arrival clock at its last row, bytes of its texts. */
  #count = new Int32Array(64)
  #head = new Int32Array(64)
  #tail = new Int32Array(64)
  #clock = new Float64Array(64)
  #textBytes = new Int32Array(64)
  #openSegments = 0
  #openRows = 0
  #openTextBytes = 0
  /** The last slot of the arrival clock whose phase was closed by time, and by lack of room. */
  #slot = never
  #cleared = never
  #place = new Int32Array(0)

  constructor (spec: ChunkSpec, { number, keys, signals }: ChunkStageOptions) {
    assert(spec.rowsMax >= 1 && spec.withinMs > 0 && spec.openRowsMax >= segmentRows)
    this.number = number
    this.hash = hashText(canonicalJson({ chunk: 1, signals: signals.map(({ name, kind }) => [name, kind]) }))
    this.#spec = spec
    this.#slotMs = spec.withinMs / phases
    this.#segmentsMax = Math.floor(spec.openRowsMax / segmentRows)
    this.#texts = new TextStore(signals.flatMap(({ kind }, index) => kind === 'text' ? [index] : []))
    this.#slab = new RowSlab(signals, this.#texts)
    this.#closed = new Closed(keys, this.#slab)
  }

  process (batch: Batch, out: Outputs): void {
    if (batch.count === 0) return
    if (this.#texts.isWasteful(this.#openRows, this.#openTextBytes)) this.#texts.rebuild(rename => { this.#eachOpen(key => { this.#slab.renameTexts(this.#head[key]!, this.#count[key]!, rename) }) })
    if (this.#place.length < batch.capacity) this.#place = new Int32Array(batch.capacity)
    this.#texts.take(batch)
    this.#cut(batch)
    this.#slab.fill(batch, this.#place, this.#texts.ids)
    this.#tell(out)
  }

  advance ({ arrivalClock }: Moment, out: Outputs): void {
    this.#turn(arrivalClock)
    this.#tell(out)
  }

  drain (out: Outputs): void {
    this.#eachOpen(key => { this.#close(key) })
    this.#tell(out)
  }

  snapshot (): StateTree {
    const keys: number[] = []
    this.#eachOpen(key => { keys.push(key) })
    if (this.#slab.isSparse && this.#closed.count === 0) this.#compact(keys)
    return {
      slots: Float64Array.of(this.#slot, this.#cleared),
      key: Int32Array.from(keys), count: Int32Array.from(keys, key => this.#count[key]!), head: Int32Array.from(keys, key => this.#head[key]!), clock: Float64Array.from(keys, key => this.#clock[key]!),
      slab: this.#slab.snapshot(),
      texts: this.#texts.snapshot(),
    }
  }

  restore (state: StateTree): void {
    [this.#slot, this.#cleared] = state.slots as unknown as [number, number]
    const [keys, count, head, clock] = [state.key as Int32Array, state.count as Int32Array, state.head as Int32Array, state.clock as Float64Array]
    this.#texts.restore(state.texts as StateTree)
    this.#slab.restore(state.slab as StateTree, head)
    this.#count.fill(0)
    this.#openSegments = this.#openRows = this.#openTextBytes = 0
    this.#hold(Math.max(0, ...keys.subarray(-1)))
    for (const [index, key] of keys.entries()) {
      this.#count[key] = count[index]!
      this.#head[key] = head[index]!
      this.#clock[key] = clock[index]!
      let [segment, segments] = [head[index]!, 1]
      for (; this.#slab.next[segment]! >= 0; segment = this.#slab.next[segment]!) segments += 1
      this.#tail[key] = segment
      this.#openSegments += segments
      this.#openRows += count[index]!
      let bytes = 0
      if (!this.#texts.isEmpty) {
        this.#slab.renameTexts(head[index]!, count[index]!, id => {
          bytes += this.#texts.lengthOf(id)
          return id
        })
      }
      this.#textBytes[key] = bytes
      this.#openTextBytes += bytes
    }
  }

  /** Where every row goes, and which chunks end on the way. */
  #cut ({ key: keys, arrivalClock, count }: Batch): void {
    const { rowsMax } = this.#spec
    const place = this.#place
    const { rowBytes, isEmpty } = this.#texts
    let turnAt = this.#nextTurn
    for (let row = 0; row < count; row += 1) {
      const key = keys[row]!
      const clock = arrivalClock[row]!
      if (clock >= turnAt) {
        this.#turn(clock)
        turnAt = this.#nextTurn
      }
      if (key >= this.#count.length) this.#hold(key)
      let held = this.#count[key]!
      if (held % segmentRows === 0) held = this.#extend(key)
      place[row] = this.#tail[key]! * segmentRows + held % segmentRows
      held += 1
      this.#count[key] = held
      this.#clock[key] = clock
      this.#openRows += 1
      if (!isEmpty) this.#weigh(key, rowBytes[row]!)
      if (held >= rowsMax) this.#close(key)
    }
  }

  /** Room for a row more of a device, whose open chunk may have to end for it: gives how many rows that has now. */
  #extend (key: number): number {
    if (this.#openSegments >= this.#segmentsMax) this.#makeRoom()
    const segment = this.#slab.take()
    const held = this.#count[key]!
    if (held === 0) this.#head[key] = segment
    else this.#slab.next[this.#tail[key]!] = segment
    this.#tail[key] = segment
    this.#openSegments += 1
    return held
  }

  #weigh (key: number, bytes: number): void {
    const all = this.#textBytes[key]! + bytes
    this.#textBytes[key] = all
    this.#openTextBytes += bytes
    if (all >= chunkTextBytesMax) this.#close(key)
    if (this.#openTextBytes > textBytesMax) this.#makeRoom()
  }

  /** Close the phase whose turn comes next, ahead of its time, until there is room. */
  #makeRoom (): void {
    do {
      this.#cleared = Math.max(this.#cleared, this.#slot) + 1
      this.#closePhase(this.#cleared)
    } while (this.#openSegments >= this.#segmentsMax || this.#openTextBytes > textBytesMax)
  }

  get #nextTurn (): number { return this.#slot === never ? never : (this.#slot + 1) * this.#slotMs }

  /** The arrival clock has come to `clock`. */
  #turn (clock: number): void {
    if (clock === never) return
    const slot = Math.floor(clock / this.#slotMs)
    if (this.#slot !== never) for (let one = Math.max(this.#slot, slot - phases) + 1; one <= slot; one += 1) this.#closePhase(one)
    this.#slot = Math.max(this.#slot, slot)
  }

  #closePhase (slot: number): void {
    const count = this.#count
    for (let key = ((slot % phases) + phases) % phases; key < count.length; key += phases) if (count[key]! > 0) this.#close(key)
  }

  #close (key: number): void {
    const rows = this.#count[key]!
    if (rows === 0) return
    this.#closed.add({ key, head: this.#head[key]!, rows, clock: this.#clock[key]! })
    this.#count[key] = 0
    this.#openSegments -= Math.ceil(rows / segmentRows)
    this.#openRows -= rows
    this.#openTextBytes -= this.#textBytes[key]!
    this.#textBytes[key] = 0
  }

  #tell (out: Outputs): void {
    if (this.#closed.count > 0 && !out.chunks.includes(this.#closed)) out.chunks.push(this.#closed)
  }

  #eachOpen (each: (key: number) => void): void {
    const count = this.#count
    for (let key = 0; key < count.length; key += 1) if (count[key]! > 0) each(key)
  }

  #compact (keys: readonly number[]): void {
    const { heads, tails } = this.#slab.compact(Int32Array.from(keys, key => this.#head[key]!))
    for (const [index, key] of keys.entries()) {
      this.#head[key] = heads[index]!
      this.#tail[key] = tails[index]!
    }
  }

  #hold (key: number): void {
    if (key < this.#count.length) return
    this.#count = grown(this.#count, key + 1)
    this.#head = grown(this.#head, key + 1)
    this.#tail = grown(this.#tail, key + 1)
    this.#clock = grown(this.#clock, key + 1)
    this.#textBytes = grown(this.#textBytes, key + 1)
  }
}

interface ClosedRows { readonly key: number, readonly head: number, readonly rows: number, readonly clock: number }

/** Chunks closed since the outputs were cleared; their rows stay where they are until then. */
class Closed implements ClosedChunks {
  readonly keys: KeyTable
  readonly #slab: RowSlab
  count = 0
  rows = 0
  #key = new Int32Array(64)
  #head = new Int32Array(64)
  #rows = new Int32Array(64)
  #clock = new Float64Array(64)

  constructor (keys: KeyTable, slab: RowSlab) {
    this.keys = keys
    this.#slab = slab
  }

  add ({ key, head, rows, clock }: ClosedRows): void {
    const index = this.count
    if (index === this.#key.length) {
      this.#key = grown(this.#key, index + 1)
      this.#head = grown(this.#head, index + 1)
      this.#rows = grown(this.#rows, index + 1)
      this.#clock = grown(this.#clock, index + 1)
    }
    this.#key[index] = key
    this.#head[index] = head
    this.#rows[index] = rows
    this.#clock[index] = clock
    this.count = index + 1
    this.rows += rows
  }

  read (index: number): ClosedChunk {
    const block = this.#slab.gather(this.#head[index]!, this.#rows[index]!)
    block.key = this.#key[index]!
    block.arrivalClock = this.#clock[index]!
    return block
  }

  clear (): void {
    for (let index = 0; index < this.count; index += 1) this.#slab.free(this.#head[index]!)
    this.count = 0
    this.rows = 0
  }
}
