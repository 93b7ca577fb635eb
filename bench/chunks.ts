import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import coldChain from '../pipelines/catalog/cold-chain.ts'
import { createFleet } from '../pipelines/cli/demo/fleet.ts'
import { createChunkStage } from '../pipelines/chunk/stage.ts'
import { type Batch, createBatch, createColumn } from '../pipelines/core/batch.ts'
import type { ReadingBlock } from '../pipelines/core/chunk/block.ts'
import { decodeChunk } from '../pipelines/core/chunk/decode.ts'
import { encodeChunk } from '../pipelines/core/chunk/encode.ts'
import { TaskClock } from '../pipelines/core/clock.ts'
import { KeyTable } from '../pipelines/core/keys.ts'
import { Outputs } from '../pipelines/core/outputs.ts'
import { RecordBatchWriter } from '../pipelines/core/record-batch.ts'
import { createEncoder } from '../pipelines/decode/encode.ts'
import { checkedDefinition } from '../pipelines/define/pipeline.ts'
import { compileDefinition } from '../pipelines/define/public.ts'
import { Task } from '../pipelines/runtime/task.ts'
import { bestRate, report } from './kit.ts'

/**
 * What a reading costs in a chunk: bytes, and time to write and to read. On real recordings (Seattle's hourly weather; the machine temperature where it lies beside
 * the repository), and on the demo's fleet as the shipped pipeline normalises it: Fahrenheit turned into Celsius, texts, gaps.
 */
const rows = 500
const random = (() => {
  let state = 1
  return () => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) / 2 ** 31
})()

const weather = csv(resolve(import.meta.dirname, '../node_modules/vega-datasets/data/seattle-weather-hourly-normals.csv'))
measure('weather', 'weather, three signals an hour', blocksOf(weather.map(([at]) => Date.parse(`${at}Z`)), ['pressure', 'temperature', 'wind'], weather.map(line => line.slice(1).map(Number))))
const machine = resolve(import.meta.dirname, '..', process.env.MILLRACE_RECORDINGS ?? '../shared/data', 'machine-temperature/readings.csv')
if (existsSync(machine)) {
  const lines = csv(machine)
  measure('machine', 'machine temperature, nine digits', blocksOf(lines.map(([at]) => Date.parse(`${at}Z`)), ['fahrenheit'], lines.map(line => [Number(line[1])])))
}
measure('fleet', 'the demo\'s fleet: seven signals, texts, F to C', fleetBlocks())
stageBench()

function csv (file: string): string[][] { return readFileSync(file, 'utf8').trim().split('\n').slice(1).map(line => line.split(',')) }

/** As a device with a delay of 40 to 240 ms sends them, among a thousand others of its partition. */
function blocksOf (at: readonly number[], names: readonly string[], values: readonly (readonly number[])[]): ReadingBlock[] {
  const blocks: ReadingBlock[] = []
  let offset = 0
  for (let from = 0; from + rows <= at.length; from += rows) {
    const columns = names.map((name, index) => {
      const column = createColumn({ name, kind: 'number' }, rows)
      for (let row = 0; row < rows; row += 1) (column.values as Float64Array)[row] = values[from + row]![index]!
      column.known.fill(1)
      return column
    })
    const times = Float64Array.from(at.slice(from, from + rows))
    blocks.push({ count: rows, at: times, arrival: times.map(time => time + 40 + Math.floor(random() * 200)), offset: Float64Array.from(times, () => offset += Math.ceil(random() * 2_000)), columns })
  }
  return blocks
}

/** The model `polar` of the demo's trucks through the pipeline that ships, half an hour of it, in the chunks that its pond cuts. */
function fleetBlocks (): ReadingBlock[] {
  const pipeline = compileDefinition(checkedDefinition({ ...coldChain, lake: { ...coldChain.lake, raw: { mode: 'chunks' } } }))
  const { contract, topic } = pipeline.sources.find(({ name }) => name === 'polar')!
  const fleet = createFleet({ trucks: 30, seed: 42, startMs: Date.UTC(2026, 0, 1) })
  const devices = new Map(fleet.devices().map(row => [row.device, { ...row }]))
  const task = new Task(pipeline.createStages({ leg: 'pond', source: 'polar', topic, partition: 0, mode: 'live', chunked: true, tables: new Map([['devices', { name: 'devices', version: 1, get: (key: string) => devices.get(key), keys: () => devices.keys() }]]) }))
  const out = new Outputs()
  const encode = createEncoder(contract, 1)
  const blocks: ReadingBlock[] = []
  task.control({ kind: 'schema', id: 1, schema: contract }, out)
  for (let now = Date.UTC(2026, 0, 1), offset = 0; blocks.length < 60 && now < Date.UTC(2026, 0, 1, 3); now += 1_000) {
    const writer = new RecordBatchWriter()
    for (const { source, key, value, sendMs } of fleet.step(now)) if (source === 'polar') writer.append(Math.floor(sendMs), Buffer.from(key), encode(value))
    if (writer.count === 0) continue
    const end = offset + writer.count
    task.load(writer.finish(offset).slice(), offset, end)
    while (task.step(out, () => {}) !== 'end');
    offset = end
    for (const chunks of out.chunks) for (let index = 0; index < chunks.count; index += 1) blocks.push(copied(chunks.read(index)))
    out.clear()
  }
  return blocks
}

function copied ({ count, at, arrival, offset, columns }: ReadingBlock): ReadingBlock {
  return { count, at: at.slice(0, count), arrival: arrival.slice(0, count), offset: offset.slice(0, count), columns: columns.map(column => ({ ...column, values: column.values.slice(0, count), known: column.known.slice(0, count) }) as typeof column) }
}

function measure (id: string, what: string, blocks: readonly ReadingBlock[]): void {
  const chunks = blocks.map(block => encodeChunk(block, 0))
  const readings = blocks.reduce((sum, { count }) => sum + count, 0)
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  const zstd = chunks.reduce((sum, chunk) => sum + zstdCompressSync(chunk).length, 0)
  report({ id: `chunk.bytes.${id}`, what: `${what}: bytes a reading, times and offset included`, value: bytes / readings, unit: 'bytes', peer: { name: 'with zstd over it', value: zstd / readings } })
  const turns = Math.ceil(200_000 / readings)
  const each = (work: () => void) => bestRate(() => {
    for (let turn = 0; turn < turns; turn += 1) work()
    return turns * readings
  })
  const write = each(() => { for (const block of blocks) encodeChunk(block, 0) })
  const press = each(() => { for (const chunk of chunks) zstdCompressSync(chunk) })
  report({ id: `chunk.write.${id}`, what: `${what}: written`, value: write, unit: 'readings/s', peer: { name: 'zstd alone over the same', value: press } })
  report({ id: `chunk.read.${id}`, what: `${what}: read`, value: each(() => { for (const chunk of chunks) decodeChunk(chunk) }), unit: 'readings/s' })
}

/** A thousand devices in turn, one signal: gathered, cut and written. */
function stageBench (): void {
  const signals = [{ name: 'value', kind: 'number', unit: null }] as const
  const devices = 1_000
  const keys = new KeyTable(devices)
  for (let device = 0; device < devices; device += 1) keys.internText(`sensor-${device}`)
  const clock = new TaskClock({ latenessMs: 0, idleMs: Number.POSITIVE_INFINITY, explicit: false })
  const batches: Batch[] = []
  for (let from = 0; from < 1_000_000; from += 4096) {
    const batch = createBatch(signals, 4096)
    for (let row = 0; row < 4096; row += 1) {
      const index = from + row
      batch.key[row] = Math.imul(index % devices, 7919) % devices
      batch.at[row] = 1.7e12 + Math.floor(index / devices) * 1_000 + Math.floor(random() * 50)
      batch.arrival[row] = batch.at[row]! + 30
      batch.position[row] = index;
      (batch.columns[0]!.values as Float64Array)[row] = Math.round(2_000 + 300 * Math.sin(index / devices / 50) + random() * 10) / 100
      batch.columns[0]!.known[row] = 1
    }
    batch.count = 4096
    clock.stamp(batch)
    batches.push(batch)
  }
  const play = (encoded: boolean) => {
    const stage = createChunkStage({ rowsMax: rows, withinMs: 600_000, openRowsMax: 1_000_000 }, { number: 2, keys, signals })
    const out = new Outputs()
    for (const batch of batches) {
      stage.process(batch, out)
      if (encoded) for (const chunks of out.chunks) for (let index = 0; index < chunks.count; index += 1) encodeChunk(chunks.read(index), 0)
      out.clear()
    }
    return batches.length * 4096
  }
  const gathered = bestRate(() => play(false), { runs: 3, warmup: 1 })
  report({ id: 'chunk.stage', what: 'gathered and cut, 1,000 devices', value: gathered, unit: 'readings/s' })
  const written = bestRate(() => play(true), { runs: 3, warmup: 1 })
  report({ id: 'chunk.stage.write', what: 'gathered, cut and written', value: written, unit: 'readings/s', goal: '>= 4 M/s', met: written >= 4e6 })
}
