import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openLakeReader } from '../../connectors/duckdb/public.ts'
import { Command, millrace, repository } from '../kit/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-backfill-'))
after(() => { rmSync(folder, { recursive: true, force: true }) })

const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const definition = write('machines.yaml', `
name: machines
source: { contract: ${join(repository, 'examples/machine-temperature.avsc')} }
key: machineId
time: { field: timestamp, lateness: 10m }
interval: 5m
windows:
  hour: { tumbling: 1h, keep: { mean: { mean: value }, n: count } }
lake: {}
`)
const hourMs = 3_600_000
/** 20 readings an hour of two machines, one broken line each hour. */
const recording = (hours: number) => ['timestamp,value,machineId', ...Array.from({ length: hours }, (_, hour) => [
  ...Array.from({ length: 20 }, (_, i) => `${hour * hourMs + i * 150_000},${hour + i},machine-${i % 2}`), `${hour * hourMs + 3_500_000},1,machine-0,more`,
]).flat()].join('\n')

async function rows (data: string) {
  const reader = await openLakeReader(join(data, 'machines', 'lake.duckdb'))
  try {
    return {
      readings: await reader.query('SELECT key, epoch_ms("at") AS t, "partition", "offset", value FROM machines_readings ORDER BY "offset"'),
      hours: await reader.query('SELECT key, epoch_ms("start") AS t, mean, n FROM machines_hour ORDER BY key, t'),
      letters: await reader.query('SELECT step, "offset" FROM machines_dead_letters ORDER BY "offset"'),
    }
  } finally {
    reader.close()
  }
}

test('lake backfill: readings, rollups and dead letters of a file are in the lake, once, however often it is run', async () => {
  const data = join(folder, 'once')
  const input = write('history.csv', recording(5))
  const ran = await millrace(['lake', 'backfill', definition, '--input', input, '--data', data])
  assert.equal(ran.status, 0, ran.stderr)
  assert.match(ran.stderr, /^100 readings and 10 rollup rows stored as "history.csv", 0 late, 5 dead letters$/m)
  const stored = await rows(data)
  assert.equal(stored.readings.length, 100)
  assert(stored.readings.every(({ partition }) => Number(partition) < 0))
  assert.deepEqual(stored.hours.slice(0, 2), [{ key: 'machine-0', t: 0, mean: 9, n: 10 }, { key: 'machine-0', t: hourMs, mean: 10, n: 10 }])
  assert.deepEqual(stored.letters.map(({ offset }) => offset), [20, 41, 62, 83, 104])
  const again = await millrace(['lake', 'backfill', definition, '--input', input, '--data', data])
  assert.match(again.stderr, /^0 readings .*; 100 readings stored before$/m)
  assert.deepEqual(await rows(data), stored)
})

test('lake backfill: one that was killed is begun again, and ends as if nothing had happened', async () => {
  const input = write('long.csv', recording(10_000))
  const whole = join(folder, 'whole')
  assert.equal((await millrace(['lake', 'backfill', definition, '--input', input, '--data', whole])).status, 0)
  const killed = join(folder, 'killed')
  const first = new Command(['lake', 'backfill', definition, '--input', input, '--data', killed])
  await new Promise(done => setTimeout(done, 1_800))
  first.process.kill('SIGKILL')
  await first.done
  const second = await millrace(['lake', 'backfill', definition, '--input', input, '--data', killed])
  assert.equal(second.status, 0, second.stderr)
  assert.deepEqual(await rows(killed), await rows(whole))
})

test('lake backfill: another file under a name that is taken, and no lake, are refused', async () => {
  const data = join(folder, 'names')
  await millrace(['lake', 'backfill', definition, '--input', write('a.csv', recording(1)), '--data', data])
  const other = await millrace(['lake', 'backfill', definition, '--input', write('b.csv', recording(2)), '--name', 'a.csv', '--data', data])
  assert.equal(other.status, 65)
  assert.match(other.stderr, /another recording was stored under this name, name="a.csv".*--name/)
  const none = await millrace(['lake', 'backfill', join(repository, 'examples/machine-temperature.yaml'), '--input', join(folder, 'a.csv'), '--data', data])
  assert.equal(none.status, 78)
  assert.match(none.stderr, /Cannot fill a lake: the definition has none/)
})
