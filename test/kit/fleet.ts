import { records, RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { createEncoder } from '../../pipelines/decode/encode.ts'
import { type CheckedDefinition, definePipeline } from '../../pipelines/define/public.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { endOf } from '../../pipelines/core/record-batch.ts'
import { controlEventCodec } from '../../schemas/control-event.ts'
import { contract } from '../../schemas/contract.ts'
import { deadLetterCodec } from '../../schemas/dead-letter.ts'

const text = new TextEncoder()
const id = { name: 'id', type: 'string' }
const ts = { name: 'ts', type: { type: 'long', logicalType: 'timestamp-millis' } }
const avro = (...fields: readonly object[]) => JSON.stringify({ type: 'record', name: 'Reading', namespace: 'fleet', fields })

/** Versions of one reading: three that go with one another, one that asks for more than they have, one with another type. */
export const versions = {
  first: avro(id, ts, { name: 'celsius', type: 'int' }),
  /** Another order, a wider type, a field more. */
  second: avro(ts, { name: 'celsius', type: 'double' }, id, { name: 'site', type: 'string', default: 'unknown' }),
  /** An optional field and a nested record more. */
  third: avro(id, ts, { name: 'celsius', type: 'double' }, { name: 'site', type: 'string', default: 'unknown' }, { name: 'gps', type: ['null', { type: 'record', name: 'Gps', fields: [{ name: 'lat', type: 'double' }] }], default: null }),
  demanding: avro(id, ts, { name: 'celsius', type: 'double' }, { name: 'site', type: 'string' }, { name: 'serial', type: 'long' }),
  broken: avro(id, ts, { name: 'celsius', type: { type: 'array', items: 'double' } }),
} as const
export type Version = keyof typeof versions

/** A rule that raises at each reading above 10 and clears at each one below; its contract is one of the versions. */
export function fleetDefinition ({ name = 'fleet', topic = 'fleet', reads = 'third' }: { readonly name?: string, readonly topic?: string, readonly reads?: Version } = {}): CheckedDefinition {
  return definePipeline({
    name, source: { topic, contract: contract<object>({ subject: `${topic}-value`, version: 1, schema: versions[reads] }) }, key: 'id', time: { field: 'ts', idle: '1d' }, rules: { hot: { when: 'celsius > 10.0', labels: reads === 'first' ? [] : ['site'] } },
  } as never) as CheckedDefinition
}

let sent = 0

/** One reading as a version's writer sends it; with `guid`, the schema is named in the header. */
export function readingOf (version: Version, { id: schemaId = 1, device, celsius, guid = null, at = 1_700_000_000_000 + (sent += 1) * 1_000 }: { readonly id?: number, readonly device: string, readonly celsius: number, readonly guid?: string | null, readonly at?: number }) {
  const value = createEncoder(versions[version], schemaId)({ id: device, ts: at, celsius: version === 'broken' ? [celsius] : celsius, site: version, gps: null })
  const headers = guid === null ? [] : [['__value_schema_id', Buffer.from(`01${guid.replaceAll('-', '')}`, 'hex')] as const]
  return { key: text.encode(device), value: guid === null ? value : value.subarray(5), headers }
}

export async function appendReadings (log: LogPort, topic: string, partition: number, readings: readonly ReturnType<typeof readingOf>[]): Promise<void> {
  const writer = new RecordBatchWriter()
  for (const { key, value, headers } of readings) writer.append(Date.now(), key, value, headers)
  await log.append(topic, partition, writer.finish())
}

async function read<T> (log: LogPort, topic: string, decode: (value: Uint8Array) => T): Promise<readonly T[]> {
  const all: T[] = []
  const info = await log.topic(topic)
  for (let partition = 0; partition < (info?.partitions ?? 0); partition += 1) {
    const { start, end } = await log.range(topic, partition)
    for (let offset = start; offset < end;) {
      const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 1 << 20, waitMs: 0 })
      for (const record of records(bytes)) if (record.offset >= offset && record.value !== null) all.push(decode(record.value))
      if (bytes.length === 0) break
      // Transactions leave offsets without records.
      offset = Math.max(offset + 1, endOf(bytes))
    }
  }
  return all
}

export const eventsOf = async (log: LogPort, name: string): Promise<readonly string[]> => (await read(log, `${name}.control`, controlEventCodec.decode)).map(({ key, state, labels }) => `${key} ${state}${'site' in labels ? ` ${labels.site}` : ''}`)
export const lettersOf = (log: LogPort, name: string) => read(log, names.deadLetters(name), deadLetterCodec.decode)

/** Until it holds; false when it does not within `ms`. */
export async function within (ms: number, holds: () => Promise<boolean> | boolean): Promise<boolean> {
  for (const end = performance.now() + ms; performance.now() < end;) {
    if (await holds()) return true
    await new Promise(done => { setTimeout(done, 25) })
  }
  return holds()
}
