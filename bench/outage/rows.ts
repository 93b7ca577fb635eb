import type cassandra from 'cassandra-driver'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { records } from '../../pipelines/core/record-batch.ts'

type Client = cassandra.Client
type Row = cassandra.types.Row

export const windowMs = 10_000
/** Of the end of the input: windows may be open there. */
const openMs = 15_000
const fetchBytes = 4 << 20

interface Reading { readonly key: string, readonly at: number, readonly value: number, readonly quality: number }
/** A partition of the input by offset, and what of it the lake has shown. */
interface Partition { readonly readings: Reading[], readonly seen: number[] }

/**
 * Hold the whole lake against the whole input: each reading is a row, once, with the values it was sent with; each window that has closed counts its readings;
 * each episode is an alert. The input is read by Millrace's client, the lake by the driver alone.
 *
 * Errors: the first thing that is wrong
 */
export async function compareLake (log: LogPort, client: Client, { topic, partitions, keyspace, events }: { readonly topic: string, readonly partitions: number, readonly keyspace: string, readonly events: { readonly raised: number, readonly cleared: number } }): Promise<{ readonly rows: number, readonly windows: number, readonly alerts: number }> {
  const sent = await Promise.all(Array.from({ length: partitions }, (_, partition) => readAll(log, topic, partition)))
  const rows = (cql: string) => client.stream(cql, [], { prepare: true, fetchSize: 5_000, readTimeout: 60_000 }) as unknown as AsyncIterable<Row>
  let many = 0
  for await (const row of rows(`SELECT key, at, "partition", "offset", sensor_id, value, quality FROM ${keyspace}.outage_readings`)) {
    const { readings, seen } = sent[row.partition as number]!
    const offset = Number(row.offset)
    const reading = readings[offset]
    if (reading === undefined || row.key !== reading.key || row.sensor_id !== reading.key || (row.at as Date).getTime() !== reading.at || row.value !== reading.value || row.quality !== reading.quality) throw new Error(`wrong result: ${JSON.stringify(row)} is not ${JSON.stringify(reading)}`)
    seen[offset]! += 1
    many += 1
  }
  for (const [partition, { seen }] of sent.entries()) {
    const wrong = seen.findIndex(times => times !== 1)
    if (wrong >= 0) throw new Error(`wrong result: reading ${partition}/${wrong} of ${seen.length} is there ${seen[wrong]} times`)
  }
  const windows = await compareWindows(sent, rows(`SELECT key, start, n, value_sum FROM ${keyspace}.outage_ten`))
  const states = new Map<string, number>()
  for await (const { state } of rows(`SELECT state FROM ${keyspace}.outage_alerts`)) states.set(state as string, (states.get(state as string) ?? 0) + 1)
  const [raised = 0, cleared = 0] = [states.get('raised'), states.get('cleared')]
  if (raised + cleared !== events.raised || cleared !== events.cleared) throw new Error(`wrong result: ${raised} alerts stand and ${cleared} are cleared, of ${JSON.stringify(events)}`)
  return { rows: many, windows, alerts: raised + cleared }
}

async function compareWindows (sent: readonly Partition[], rows: AsyncIterable<Row>): Promise<number> {
  const expected = new Map<string, { n: number, sum: number }>()
  for (const { readings } of sent) {
    for (const { key, at, value } of readings) {
      const place = `${key} ${Math.floor(at / windowMs) * windowMs}`
      const window = expected.get(place) ?? { n: 0, sum: 0 }
      expected.set(place, window)
      window.n += 1
      window.sum += value
    }
  }
  const endMs = Math.min(...sent.map(({ readings }) => readings.at(-1)!.at)) - openMs
  let many = 0
  for await (const { key, start, n, value_sum: sum } of rows) {
    const startMs = (start as Date).getTime()
    const window = expected.get(`${key as string} ${startMs}`)
    expected.delete(`${key as string} ${startMs}`)
    many += 1
    // The last ones may have been closed by what came before all of theirs.
    if (startMs + windowMs > endMs) continue
    if (window === undefined || n !== window.n || Math.abs(sum as number - window.sum) > Math.abs(window.sum) * 1e-12) throw new Error(`wrong result: window ${new Date(startMs).toISOString()} of ${key as string} has ${n as number} readings, of ${window?.n ?? 0}`)
  }
  const missing = [...expected.keys()].find(place => Number(place.split(' ')[1]) + windowMs <= endMs)
  if (missing !== undefined) throw new Error(`wrong result: no row for the window ${missing}`)
  return many
}

async function readAll (log: LogPort, topic: string, partition: number): Promise<Partition> {
  const { end } = await log.range(topic, partition)
  const readings: Reading[] = []
  while (readings.length < end) {
    const { bytes } = await log.fetch({ topic, partition, offset: readings.length, bytesMax: fetchBytes, waitMs: 1_000 })
    for (const { offset, value } of records(bytes)) if (offset === readings.length) readings.push(readingOf(Buffer.from(value!)))
  }
  return { readings, seen: readings.map(() => 0) }
}

const keys = new Map<string, string>()

/** As `Load` writes it. */
function readingOf (bytes: Buffer): Reading {
  const name = bytes.toString('latin1', 6, 6 + bytes[5]! / 2)
  // A million readings share a thousand names.
  const key = keys.get(name) ?? name
  keys.set(name, key)
  let [at, twice, unit] = [6 + name.length, 0, 1]
  for (let byte = 128; byte > 127; unit *= 128) {
    byte = bytes[at]!
    twice += (byte & 127) * unit
    at += 1
  }
  return { key, at: twice / 2, value: bytes.readDoubleLE(at), quality: bytes[at + 8]! / 2 }
}
