import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { millrace } from '../kit/cli.ts'
import { asLines, rooms, roomsFolder } from '../kit/rooms.ts'

const { folder, write } = roomsFolder()
const definition = write('kept.yaml', `${rooms}signals: { celsius: { unit: Cel } }\nlake: { keyspace: rooms }\n`)
const range = ['--from', '2023-11-14', '--to', '2023-11-14T10:09'] as const
const startMs = Date.parse('2023-11-14T10:00Z')

/** Eleven minutes of two rooms, a reading a second each; `a` is warm in every other minute. */
const input = write('eleven-minutes.jsonl', asLines(Array.from({ length: 1_320 }, (_, i) => {
  const second = i >> 1
  return { room: i % 2 === 0 ? 'a' : 'b', at: startMs + second * 1_000, celsius: i % 2 === 0 && Math.floor(second / 60) % 2 === 0 ? 10 : 5 }
})))

test('lake parity: nothing differs in what was stored; a rollup and an alert altered by hand do, with 1', async () => {
  const data = join(folder, 'data')
  const stored = await millrace(['run', definition, '--input', input, '--rate', '5000', '--once', '--data', data])
  assert.equal(stored.status, 0, stored.stderr)
  const parity = (...more: readonly string[]) => millrace(['lake', 'parity', definition, '--data', data, ...range, ...more])
  const same = await parity()
  assert.deepEqual([same.status, same.stdout], [0, ''], same.stderr)
  assert.match(same.stderr, /^window minute: 18 rows compared\nalerts: 5 rows compared\nno difference$/m)

  const instance = await DuckDBInstance.create(join(data, 'rooms', 'lake.duckdb'))
  const connection = await instance.connect()
  await connection.run(`UPDATE rooms_minute SET mean = 7 WHERE key = 'b' AND "start" = '2023-11-14 10:03'`)
  await connection.run(`UPDATE rooms_alerts SET severity = 'info' WHERE raised_at = '2023-11-14 10:02'`)
  await connection.run(`DELETE FROM rooms_alerts WHERE raised_at = '2023-11-14 10:04'`)
  connection.closeSync()
  instance.closeSync()
  const other = await parity()
  assert.equal(other.status, 1, other.stderr)
  assert.deepEqual(other.stdout.split('\n').map(line => line.replace(/, [0-9a-f]{8,}:/, ', ID:')), [
    'minute of b at 2023-11-14T10:03:00.000Z: mean is 7, from readings 5',
    'alert warm of a raised at 2023-11-14T10:02:00.000Z, ID: severity is "info", in the control topic "critical"',
    'alert warm of a raised at 2023-11-14T10:04:00.000Z, ID: in the control topic, but not in the lake',
    '',
  ])
  assert.match(other.stderr, /^3 differences$/m)
  const few = await parity('--limit', '1')
  assert.deepEqual([few.status, few.stdout.split('\n').length, /and 2 differences more/.test(few.stderr)], [1, 2, true], few.stderr)
})
