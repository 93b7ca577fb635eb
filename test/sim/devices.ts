import { partitionOf } from '../../pipelines/core/murmur2.ts'
import type { ClockPort } from '../../pipelines/core/ports.ts'
import { RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import type { TableRow } from '../../pipelines/core/table.ts'
import { createDisplay } from '../../pipelines/decode/display.ts'
import { createEncoder } from '../../pipelines/decode/encode.ts'
import type { Encoded, RaceCodecs } from '../../pipelines/runtime/race.ts'
import { Table } from '../../pipelines/runtime/tables.ts'
import { deviceAvro, readingAvro, readingAvroLater } from './definition.ts'
import type { Random } from './random.ts'
import { shown } from './rows.ts'

export const schemas: ReadonlyMap<number, string> = new Map([[1, readingAvro], [2, readingAvroLater], [3, deviceAvro]])
export const unknownSchema = 77
const text = new TextEncoder()
const writers = new Map([...schemas].map(([id, avro]) => [id, createEncoder(avro, id)]))
const display = createDisplay(deviceAvro)

export interface DevicesOptions {
  readonly random: Random
  readonly clock: ClockPort
  readonly partitions: number
  readonly append: (topic: string, partition: number, bytes: Uint8Array) => Promise<unknown>
}

/** Devices of two sources, and the tables that say which there are. */
export class Devices {
  readonly #options: DevicesOptions
  #seq = 0

  constructor (options: DevicesOptions) { this.#options = options }

  /** Some readings of some devices of one source, as they come: late, doubled, broken, in more than one schema. */
  async send (source: 'north' | 'south', count: number, devices = 6): Promise<void> {
    const { random: { whole, chance }, clock, partitions } = this.#options
    const batches = Array.from({ length: partitions }, () => new RecordBatchWriter())
    for (let i = 0; i < count; i += 1) {
      const key = `${source[0]}${whole(0, devices - 1)}`
      const behind = chance(0.15) ? whole(0, 12_000) : whole(0, 1_500)
      this.#seq += chance(0.1) ? 0 : 1
      const reading = { id: key, ts: clock.wallMs() + (chance(0.02) ? 600_000 : -behind), seq: this.#seq, celsius: chance(0.05) ? null : whole(0, 40) / 3, firmware: 'f2' }
      const value = writers.get(chance(0.3) ? 2 : 1)!(reading)
      if (chance(0.03)) new DataView(value.buffer).setInt32(1, unknownSchema)
      batches[partitionOf(text.encode(key), partitions)]!.append(0, text.encode(key), chance(0.03) ? value.subarray(0, whole(0, value.length - 1)) : value)
    }
    for (const [partition, writer] of batches.entries()) if (writer.count > 0) await this.#options.append(`sim.${source}`, partition, writer.finish())
  }

  /** A device enters the table, changes in it, or leaves it. */
  async enrol (): Promise<void> {
    const { whole, chance, pick } = this.#options.random
    const device = `${pick(['n', 's'])}${whole(0, 6)}`
    const writer = new RecordBatchWriter()
    writer.append(0, text.encode(device), chance(0.2) ? null : writers.get(3)!({ device, max: whole(5, 11), site: pick(['oslo', 'bergen']) }))
    await this.#options.append(pick(['sim.devices', 'sim.yards']), 0, writer.finish())
  }

  /** A number of its own for whatever else is sent. */
  next (): number { return this.#seq += 1 }
}

/** The tables of one process. */
export function tablesOf (): ReadonlyMap<string, Table> {
  const decode = async (value: Uint8Array) => display(value) as TableRow
  return new Map(['devices', 'yards'].map(name => [name, new Table({ name, topic: `sim.${name}`, key: 'device', decode })]))
}

const placeOf = ({ topic, partition }: { readonly topic: string, readonly partition: number }) => ({ topic, partition })
const plain = (output: object, key: string | null = null): Encoded => ({ key: key === null ? null : text.encode(key), value: text.encode(shown(output)), headers: [] })

/** Outputs as text. */
export const raceCodecs: RaceCodecs = {
  event: event => plain(event, event.key),
  late: (late, place) => plain({ ...late, place: placeOf(place) }),
  deadLetter: (letter, place) => plain({ ...letter, place: placeOf(place) }),
}
