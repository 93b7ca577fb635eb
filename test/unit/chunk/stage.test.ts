import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeChunks, createChunkStage } from '../../../pipelines/chunk/stage.ts'
import { type Batch, cell, createBatch } from '../../../pipelines/core/batch.ts'
import { TaskClock } from '../../../pipelines/core/clock.ts'
import { KeyTable } from '../../../pipelines/core/keys.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import type { ChunkSpec, SignalSpec } from '../../../pipelines/core/spec.ts'
import type { ChunkStage } from '../../../pipelines/core/stage.ts'
import { decodeState, encodeState } from '../../../pipelines/runtime/state-codec.ts'

const signals: readonly SignalSpec[] = [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'site', kind: 'text', unit: null }, { name: 'doorOpen', kind: 'bool', unit: null }]
const spec: ChunkSpec = { rowsMax: 5, withinMs: 6_400, openRowsMax: 1 << 20 }
const phases = 64

/** `device` is a device's number; a tick has only an arrival. */
interface Reading { readonly device: number, readonly arrival: number, readonly at: number, readonly celsius: number | null, readonly site: string | null }
type Item = Reading | { readonly tick: number }

/** A chunk as text: its device, its clock, its rows. */
type Said = string

class Player {
  readonly said: Said[] = []
  readonly keys = new KeyTable(1 << 10)
  readonly #spec: ChunkSpec
  #stage: ChunkStage
  #clock = new TaskClock({ latenessMs: 0, idleMs: 1, explicit: false })
  #offset = 0
  readonly #out = new Outputs()

  constructor (of: ChunkSpec) {
    this.#spec = of
    this.#stage = this.#new()
    for (let device = 0; device < 200; device += 1) this.keys.internText(`device-${device}`)
  }

  readings (some: readonly Reading[]): void {
    const batch = createBatch(signals, Math.max(1, some.length))
    some.forEach((reading, row) => { this.#set(batch, row, reading) })
    batch.count = some.length
    this.#clock.stamp(batch)
    this.#stage.process(batch, this.#out)
    this.#take()
  }

  tick (arrival: number): void {
    this.#clock.tick(arrival)
    this.#stage.advance({ watermark: 0, arrivalClock: this.#clock.arrival, position: this.#offset - 1 }, this.#out)
    this.#take()
  }

  restart (): void {
    const state = decodeState(encodeState(this.#stage.snapshot()))
    this.#stage = this.#new()
    this.#stage.restore(state)
  }

  drain (): void {
    this.#stage.drain(this.#out)
    this.#take()
  }

  /** As `drain`, by what knows the state alone. */
  abandon (): void {
    closeChunks(decodeState(encodeState(this.#stage.snapshot())), this.keys, this.#out)
    this.#take()
  }

  get stateBytes (): number { return encodeState(this.#stage.snapshot()).length }

  #new (): ChunkStage { return createChunkStage(this.#spec, { number: 4, keys: this.keys, signals }) }

  #set (batch: Batch, row: number, { device, arrival, at, celsius, site }: Reading): void {
    batch.key[row] = device
    batch.at[row] = at
    batch.arrival[row] = arrival
    batch.position[row] = this.#offset
    const [number, text, bool] = batch.columns as [Batch['columns'][number], Batch['columns'][number], Batch['columns'][number]]
    const set = (column: typeof number, value: number | null) => {
      column.known[row] = value === null ? 0 : 1
      if (value !== null) (column.values as Float64Array)[row] = value
    }
    set(number, celsius)
    set(text, site === null || text.kind !== 'text' ? null : text.dictionary.internText(site))
    set(bool, this.#offset % 2)
    this.#offset += 1
  }

  #take (): void {
    for (const closed of this.#out.chunks) {
      for (let index = 0; index < closed.count; index += 1) {
        const { key, arrivalClock, count, at, arrival, offset, columns } = closed.read(index)
        const rows = Array.from({ length: count }, (_, row) => [offset[row], at[row], arrival[row], ...columns.map(column => cell(column, row))])
        this.said.push(JSON.stringify([closed.keys.text(key), arrivalClock, rows]))
      }
    }
    this.#out.clear()
  }
}

/** The rule in the plainest words: per device a list, looked at before every reading. */
function model (items: readonly Item[], { rowsMax, withinMs }: ChunkSpec): Said[] {
  const slotMs = withinMs / phases
  const open = new Map<number, { clock: number, rows: unknown[] }>()
  const said: Said[] = []
  let clock = Number.NEGATIVE_INFINITY
  let offset = 0
  const close = (device: number) => {
    const { clock: of, rows } = open.get(device)!
    open.delete(device)
    said.push(JSON.stringify([`device-${device}`, of, rows]))
  }
  const passed = (to: number) => {
    const before = clock
    clock = Math.max(clock, to)
    if (before === Number.NEGATIVE_INFINITY) return
    const [from, until] = [Math.floor(before / slotMs), Math.floor(clock / slotMs)]
    for (let slot = Math.max(from, until - phases) + 1; slot <= until; slot += 1) {
      for (const device of [...open.keys()].sort((a, b) => a - b)) if (device % phases === slot % phases) close(device)
    }
  }
  for (const item of items) {
    if ('tick' in item) { passed(item.tick); continue }
    passed(item.arrival)
    const { device, arrival, at, celsius, site } = item
    const chunk = open.get(device) ?? { clock, rows: [] }
    open.set(device, chunk)
    chunk.clock = clock
    chunk.rows.push([offset, at, arrival, celsius, site, offset % 2 === 1])
    offset += 1
    if (chunk.rows.length === rowsMax) close(device)
  }
  for (const device of [...open.keys()].sort((a, b) => a - b)) close(device)
  return said
}

const reading = fc.record({
  device: fc.oneof(fc.nat(4), fc.nat(150)), pause: fc.oneof(fc.nat(90), fc.nat(3_000), fc.constant(-500)), late: fc.nat(9_000),
  celsius: fc.option(fc.integer({ min: -99, max: 99 })), site: fc.option(fc.constantFrom('oslo', 'bergen', 'x'.repeat(300), '')),
})
const items = fc.array(fc.oneof({ weight: 9, arbitrary: reading }, { weight: 1, arbitrary: fc.record({ tickAfter: fc.nat(9_000) }) }), { maxLength: 150 }).map(some => {
  let arrival = 1_700_000_000_000
  return some.map((one): Item => {
    if ('tickAfter' in one) return { tick: arrival += one.tickAfter }
    arrival += one.pause
    return { device: one.device, arrival, at: arrival - one.late, celsius: one.celsius, site: one.site }
  })
})

/** Items in batches that `cut` decides, with a restart where `restart` says. */
function play (of: ChunkSpec, some: readonly Item[], { cut, restart = () => false }: { readonly cut: (index: number) => boolean, readonly restart?: (index: number) => boolean }): Player {
  const player = new Player(of)
  let batch: Reading[] = []
  const flush = () => {
    if (batch.length > 0) player.readings(batch)
    batch = []
  }
  some.forEach((item, index) => {
    if (restart(index)) {
      flush()
      player.restart()
    }
    if ('tick' in item) {
      flush()
      player.tick(item.tick)
      return
    }
    batch.push(item)
    if (cut(index)) flush()
  })
  flush()
  return player
}

test('chunks end as the rule says, and hold every reading once and in order', () => {
  fc.assert(fc.property(items, some => {
    const player = play(spec, some, { cut: () => false })
    player.drain()
    assert.deepEqual(player.said, model(some, spec))
  }), { numRuns: 300 })
})

test('chunks do not show how the log was cut into batches, nor a restart before every item', () => {
  fc.assert(fc.property(items, fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), (some, cuts) => {
    const wanted = model(some, spec)
    for (const cut of [() => true, (index: number) => cuts[index % cuts.length]!]) {
      for (const restart of [() => false, () => true]) {
        const player = play(spec, some, { cut, restart })
        player.drain()
        assert.deepEqual(player.said, wanted)
      }
    }
  }), { numRuns: 100 })
})

test('chunks of a state that nobody goes on with are the open ones', () => {
  fc.assert(fc.property(items, some => {
    const player = play(spec, some, { cut: () => false })
    player.abandon()
    assert.deepEqual(player.said, model(some, spec))
  }), { numRuns: 100 })
})

test('beyond the bound of open rows chunks end earlier: all readings are there, in bounded memory, however batches and restarts fall', () => {
  const tight: ChunkSpec = { rowsMax: 50, withinMs: 6_400_000, openRowsMax: 160 }
  fc.assert(fc.property(items, some => {
    const whole = play(tight, some, { cut: () => false })
    const single = play(tight, some, { cut: () => true, restart: index => index % 3 === 0 })
    // Of 24 + 9 + 5 + 2 bytes a row; texts are there once.
    assert(single.stateBytes < 16_384, `${single.stateBytes} bytes`)
    for (const player of [whole, single]) player.drain()
    assert.deepEqual(single.said, whole.said)
    const offsets = whole.said.flatMap(one => (JSON.parse(one)[2] as [number][]).map(([offset]) => offset))
    assert.deepEqual(offsets.sort((a, b) => a - b), some.flatMap(item => 'tick' in item ? [] : [0]).map((_, index) => index))
  }), { numRuns: 100 })
})

test('long texts end a chunk, and texts that are gone are forgotten', () => {
  const player = new Player({ rowsMax: 1_000, withinMs: 64_000_000, openRowsMax: 1 << 16 })
  for (let from = 0; from < 12_000; from += 100) {
    player.readings(Array.from({ length: 100 }, (_, index): Reading => ({ device: index % 2, arrival: 1_000 + from, at: from, celsius: null, site: `${from + index}`.padEnd(2_000, '.') })))
  }
  // 256 KiB are 132 readings.
  assert.deepEqual(new Set(player.said.map(one => JSON.parse(one)[2].length)), new Set([132]))
  assert(player.stateBytes < 24e6, `${player.stateBytes} bytes`)
})

test('a snapshot does not keep what a flood of devices took', () => {
  const player = new Player({ rowsMax: 1_000, withinMs: 64_000, openRowsMax: 1 << 16 })
  const flood = (device: number) => Array.from({ length: 100 }, (_, index): Reading => ({ device, arrival: 1_000, at: index, celsius: index, site: null }))
  for (let device = 0; device < 100; device += 1) player.readings(flood(device))
  const full = player.stateBytes
  player.tick(64_500)
  player.tick(129_000)
  player.readings(flood(3).slice(0, 3))
  assert(player.stateBytes < full / 20, `${player.stateBytes} of ${full} bytes`)
  player.drain()
  assert.equal(player.said.length, 101)
})
