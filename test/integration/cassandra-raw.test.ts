import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import avsc from 'avsc'
import type { types } from 'cassandra-driver'
import { cassandraEnvironment as properties, cassandraSettings } from '../../connectors/cassandra/config.ts'
import { openCassandraLake } from '../../connectors/cassandra/lake.ts'
import { rawDecode } from '../../pipelines/cli/raw-decode.ts'
import { createBatch } from '../../pipelines/core/batch.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import type { LakeLayout } from '../../pipelines/core/lake-ports.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import { cassandraKeyspace, type CassandraUnderTest, noCassandra } from '../kit/cassandra.ts'
import { millrace } from '../kit/cli.ts'
import { asLines, readings, rooms, roomsFolder } from '../kit/rooms.ts'

const skip = noCassandra ?? false
const schemaId = 7
const contract = {
  type: 'record', name: 'Truck', fields: [
    { name: 'unitId', type: 'string' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'order', type: ['null', { type: 'string', logicalType: 'uuid' }] },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'due', type: { type: 'int', logicalType: 'date' } },
    { name: 'left', type: { type: 'int', logicalType: 'time-millis' } },
    { name: 'probes', type: { type: 'array', items: 'double' } },
    { name: 'tags', type: { type: 'map', values: 'string' } },
    { name: 'place', type: { type: 'record', name: 'Place', fields: [{ name: 'lat', type: 'double' }, { name: 'lon', type: 'double' }] } },
    { name: 'count', type: 'long' },
    { name: 'any', type: ['null', 'string', 'double'] },
  ],
}
const truck = { unitId: 'a', at: 1_000_000, order: null, price: Buffer.from([0x04, 0xd2]), due: 20_000, left: 3_723_004, probes: [1.5, -2], tags: { b: '2', a: '1' }, place: { lat: 52.5, lon: 13.4 }, count: 2 ** 40, any: 'x' }

async function room (t: TestContext): Promise<CassandraUnderTest> {
  const room = await cassandraKeyspace()
  t.after(room.finish)
  return room
}

test('the fields of a contract are kept as they were sent, beside the reading; a value that Cassandra does not have is a dead letter, and the rest is stored', { skip }, async t => {
  const { environment, keyspace, client } = await room(t)
  const layout: LakeLayout = {
    pipeline: 'fleet', keyspace, rawMode: 'rows', raw: [{ source: 'polar', contract: JSON.stringify(contract) }], intervalMs: null, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
    signals: [], windows: [],
  }
  const lake = await openCassandraLake({ settings: cassandraSettings(properties(environment)), layout, decodeRaw: text => rawDecode(text, new Map([[schemaId, JSON.stringify(contract)]])) })
  const type = avsc.Type.forSchema(contract as avsc.Schema, { wrapUnions: false })
  const values = [truck, { ...truck, order: 'no uuid' }, { ...truck, order: '0f8fad5b-d9cb-469f-a165-70867728950e', any: 2.5, probes: [], tags: {} }].map(value => Buffer.concat([Buffer.from([0, 0, 0, 0, schemaId]), type.toBuffer(value)]))
  const keys = new KeyTable(10)
  const batch = createBatch([], 4)
  batch.bytes = Buffer.concat(values)
  batch.count = values.length
  let from = 0
  values.forEach((value, row) => {
    batch.key[row] = keys.intern(Buffer.from('a'), 0, 1)
    batch.at[row] = batch.arrival[row] = batch.arrivalClock[row] = 1_000 + row
    batch.position[row] = row
    batch.valueStart[row] = from
    batch.valueEnd[row] = from += value.length
  })
  lake.addReadings({ source: 'polar', topic: 'fleet.polar', partition: 0, batch, keys })
  const letters: DeadLetter[] = []
  await lake.commit([{ topic: 'fleet.polar', partition: 0, offset: 3, metadata: '' }], { refused: async list => { letters.push(...list) } })
  await lake.close()

  assert.deepEqual(letters.map(({ step, reason, source }) => [step, reason, source.offset]), [['sink', 'LAKE_ROW_REFUSED', 1]])
  assert.match(letters[0]!.message, /fleet_raw_polar.*order: not a UUID/)
  assert.equal((await client.execute(`SELECT offset FROM ${keyspace}.fleet_readings WHERE key = 'a' AND bucket = '1970-01-01'`)).rowLength, 3)
  const { rows: [first, second, ...none] } = await client.execute(`SELECT * FROM ${keyspace}.fleet_raw_polar WHERE key = 'a' AND bucket = '1970-01-01'`)
  assert.deepEqual(none, [])
  assert.deepEqual(plain(first!), {
    key: 'a', bucket: '1970-01-01', at: '1970-01-01T00:00:01.000Z', partition: 0, offset: '0', arrived_at: '1970-01-01T00:00:01.000Z',
    unit_id: 'a', at_field: '1970-01-01T00:00:01.000Z', order: null, price: '12.34', due: '2024-10-04', left: '01:02:03.004', probes: [1.5, -2], tags: { a: '1', b: '2' }, place: '{"lat":52.5,"lon":13.4}', count: String(2 ** 40), any: '"x"',
  })
  assert.deepEqual([second!.offset.toNumber(), String(second!.order), second!.any], [2, '0f8fad5b-d9cb-469f-a165-70867728950e', '2.5'])
})

test('a pipeline whose definition says so keeps the fields of every reading', { skip }, async t => {
  const { environment: env, keyspace, client } = await room(t)
  const { write, folder: cwd } = roomsFolder()
  const definition = write('lake.yaml', `${rooms}signals: { celsius: { unit: Cel } }\nlake: { keyspace: ${keyspace}, raw: { fields: true } }\n`)
  const filled = await millrace(['lake', 'backfill', definition, '--input', write('readings.jsonl', asLines(readings))], { env, cwd })
  assert.equal(filled.status, 0, filled.stderr)
  const { rows } = await client.execute(`SELECT key, at_field, celsius FROM ${keyspace}.rooms_raw_rooms`)
  assert.deepEqual(rows.map(row => `${row.key} ${(row.at_field as Date).getTime()} ${row.celsius}`).toSorted(), readings.map(({ room, at, celsius }) => `${room} ${at} ${celsius}`).toSorted())
})

function plain (row: types.Row): Readonly<Record<string, unknown>> {
  return Object.fromEntries(row.keys().map(name => {
    const value: unknown = row[name]
    return [name, value instanceof Date ? value.toISOString() : typeof value === 'object' && value !== null && !Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype ? String(value) : value]
  }))
}
