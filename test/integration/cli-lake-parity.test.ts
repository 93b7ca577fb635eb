import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { millrace } from '../kit/cli.ts'
import { assertAltered, assertSame, elevenMinutes } from '../kit/parity.ts'
import { rooms, roomsFolder } from '../kit/rooms.ts'

const { folder, write } = roomsFolder()
const definition = write('kept.yaml', `${rooms}signals: { celsius: { unit: Cel } }\nlake: { keyspace: rooms }\n`)
const range = ['--from', '2023-11-14', '--to', '2023-11-14T10:09'] as const
const input = write('eleven-minutes.jsonl', elevenMinutes)

test('lake parity: nothing differs in what was stored; a rollup and an alert altered by hand do, with 1', async () => {
  const data = join(folder, 'data')
  const stored = await millrace(['run', definition, '--input', input, '--rate', '5000', '--once', '--data', data])
  assert.equal(stored.status, 0, stored.stderr)
  const parity = (...more: readonly string[]) => millrace(['lake', 'parity', definition, '--data', data, ...range, ...more])
  assertSame(await parity())

  const instance = await DuckDBInstance.create(join(data, 'rooms', 'lake.duckdb'))
  const connection = await instance.connect()
  await connection.run(`UPDATE rooms_minute SET mean = 7 WHERE key = 'b' AND "start" = '2023-11-14 10:03'`)
  await connection.run(`UPDATE rooms_alerts SET severity = 'info' WHERE raised_at = '2023-11-14 10:02'`)
  await connection.run(`DELETE FROM rooms_alerts WHERE raised_at = '2023-11-14 10:04'`)
  connection.closeSync()
  instance.closeSync()
  assertAltered(await parity())
  const few = await parity('--limit', '1')
  assert.deepEqual([few.status, few.stdout.split('\n').length, /and 2 differences more/.test(few.stderr)], [1, 2, true], few.stderr)
})
