import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openDuckReader } from '../../connectors/duckdb/lake-reader.ts'
import { openLake } from '../../connectors/duckdb/public.ts'
import { type Batch, createBatch } from '../../pipelines/core/batch.ts'
import { Outputs } from '../../pipelines/core/outputs.ts'
import { Random } from '../../pipelines/cli/demo/random.ts'
import { rollupParity } from '../../pipelines/cli/lake/parity.ts'
import { layoutOf } from '../../pipelines/cli/lake-layout.ts'
import { compileDefinition } from '../../pipelines/define/compile.ts'
import { checkedDefinition } from '../../pipelines/define/pipeline.ts'
import { Task } from '../../pipelines/runtime/task.ts'
import { contract } from '../../schemas/contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-parity-'))
after(() => { rmSync(folder, { recursive: true, force: true }) })

const minuteMs = 60_000
const reading = contract({ subject: 's', version: 1, schema: { type: 'record', name: 'R', fields: [{ name: 'id', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'celsius', type: 'double' }, { name: 'site', type: 'string' }] } })
const pipeline = compileDefinition(checkedDefinition({
  name: 'x', source: { contract: reading }, key: 'id', time: { field: 'ts', lateness: '1m' }, lake: { allowedLateness: '10m' },
  windows: {
    minute: { tumbling: '1m', keep: { mean: { mean: 'celsius' }, p99: { quantile: ['celsius', 0.99] }, sites: { distinct: 'site' }, seen: { collect: ['celsius', 3] } } },
    sliding: { hopping: ['10m', '2m'], keep: { sd: { stddev: 'celsius' }, site: { last: 'site' } } },
    stay: { session: '40s', keep: { max: { max: 'celsius' }, n: 'count' } },
  },
}))
const layout = layoutOf(pipeline)

/** Readings of five devices over two hours in two tasks; one in ten is late by up to half an hour, so that windows are corrected, sessions join, and some readings come too late for any. */
async function fill (file: string, seed: number): Promise<number> {
  const random = new Random(seed)
  const lake = await openLake({ file, layout })
  let late = 0
  for (const partition of [0, 1]) {
    const task = new Task(pipeline.createStages({ leg: 'pond', source: 'x', topic: 't', partition, mode: 'live', tables: new Map() }))
    const out = new Outputs()
    const store = (batch: Batch | null) => {
      if (batch !== null) lake.addReadings({ source: 'x', topic: 't', partition, batch, keys: task.keys })
      for (const { name, rows } of out.windows) lake.addRollups({ window: name.replace('window.', ''), source: 'x', topic: 't', partition, rows, keys: task.keys })
      late += out.late.length
      out.clear()
    }
    for (let offset = 0; offset < 1_200;) {
      const count = Math.min(1_200 - offset, 1 + random.below(60))
      const batch = batchOf(task, Array.from({ length: count }, (_, row) => {
        const arrival = (offset + row) * 6_000
        const at = random.below(10) === 0 ? Math.max(0, arrival - random.below(30 * minuteMs)) : arrival
        return { at, arrival, offset: offset + row, key: `device ${partition * 5 + random.below(5)}`, celsius: random.below(9) === 0 ? null : random.between(-20, 30), site: `site ${random.below(4)}` }
      }))
      offset += count
      task.readings(batch, offset, out)
      store(batch)
      if (random.below(5) === 0) await lake.commit([])
    }
  }
  await lake.commit([])
  await lake.close()
  return late
}

interface Given { readonly at: number, readonly arrival: number, readonly offset: number, readonly key: string, readonly celsius: number | null, readonly site: string }

function batchOf (task: Task, rows: readonly Given[]): Batch {
  const batch = createBatch(pipeline.signals, rows.length)
  batch.count = rows.length
  rows.forEach(({ at, arrival, offset, key, celsius, site }, row) => {
    batch.key[row] = task.keys.internText(key)
    batch.at[row] = at
    batch.arrival[row] = arrival
    batch.position[row] = offset
    for (const column of batch.columns) {
      column.known[row] = column.name === 'celsius' && celsius === null ? 0 : 1
      if (column.kind === 'text') column.values[row] = column.dictionary.internText(column.name === 'site' ? site : key)
      else column.values[row] = column.name === 'celsius' ? celsius ?? Number.NaN : at
    }
  })
  return batch
}

async function differences (file: string, { from = 0, to = 120 * minuteMs } = {}) {
  const reader = await openDuckReader({ file, layout })
  const found: string[] = []
  try {
    const counts = await rollupParity({ pipeline, reader, from, to, abort: new AbortController().signal, differs: difference => { found.push(difference) } })
    return { found, compared: Object.fromEntries(counts.map(({ what, compared }) => [what.replace('window ', ''), compared])) }
  } finally {
    await reader.close()
  }
}

async function alter (file: string, ...sql: readonly string[]): Promise<void> {
  const lake = await openLake({ file, layout })
  for (const one of sql) await lake.query(one)
  await lake.close()
}

test('lake parity: rollups are what the readings make, corrected windows, joined sessions and readings that came too late included', async () => {
  for (const seed of [1, 2]) {
    const file = join(folder, `same-${seed}.duckdb`)
    const late = await fill(file, seed)
    assert(late > 10, `${late} late readings`)
    const { found, compared } = await differences(file)
    assert.deepEqual(found, [])
    assert(compared.minute! > 500 && compared.sliding! > 300 && compared.stay! > 20, JSON.stringify(compared))
    const part = await differences(file, { from: 40 * minuteMs, to: 80 * minuteMs })
    assert.deepEqual(part.found, [])
    assert(part.compared.minute! > 150 && part.compared.minute! < compared.minute! / 2, JSON.stringify(part.compared))
  }
})

test('lake parity: a row that was altered, one that is gone and one too many are told, each by window, device and time', async () => {
  const file = join(folder, 'altered.duckdb')
  await fill(file, 3)
  const where = (key: string, minute: number) => `WHERE key = '${key}' AND epoch_ms("start") = ${minute * minuteMs}`
  const reader = await openDuckReader({ file, layout })
  const rows: [string, number][] = []
  for await (const { key, count, start } of reader.rollups({ keys: null, from: 30 * minuteMs, to: 60 * minuteMs, window: 'minute', columns: [] })) for (let row = 0; row < count; row += 1) rows.push([key, start[row]! / minuteMs])
  await reader.close()
  const [mean, sketch, gone, received] = [rows[3]!, rows[17]!, rows[29]!, rows[41]!]
  await alter(file,
    `UPDATE x_minute SET mean = mean + 0.001 ${where(...mean)}`, `UPDATE x_minute SET celsius_sketch = '\\x01\\x00\\x00\\x00'::BLOB ${where(...sketch)}`, `DELETE FROM x_minute ${where(...gone)}`,
    `UPDATE x_minute SET received = 99 ${where(...received)}`, `INSERT INTO x_stay (key, "start", "end", received, max, n) VALUES ('nobody', make_timestamp(2400000000)::TIMESTAMP_MS, make_timestamp(2580000000)::TIMESTAMP_MS, 1, 5, 1)`)
  const { found } = await differences(file)
  const named = ([key, minute]: readonly [string, number]) => `minute of ${key} at ${new Date(minute * minuteMs).toISOString()}`
  assert.deepEqual(found.map(line => line.replace(/ (is|which) .*/, '')).sort(), [
    `${named(gone)}: not in the lake,`, `${named(mean)}: mean`, `${named(received)}: received`, `${named(sketch)}: celsius_sketch`, 'stay of nobody at 1970-01-01T00:40:00.000Z: in the lake, but none of its readings',
  ].sort())
})

test('lake parity: a reading that is gone shows in every window that it was in', async () => {
  const file = join(folder, 'reading.duckdb')
  await fill(file, 4)
  await alter(file, `DELETE FROM x_readings WHERE "partition" = 0 AND "offset" = (SELECT "offset" FROM x_readings WHERE "partition" = 0 AND celsius IS NOT NULL AND "at" = arrived_at AND epoch_ms("at") >= ${60 * minuteMs} ORDER BY "offset" LIMIT 1)`)
  const { found } = await differences(file)
  assert.equal(found.filter(line => line.startsWith('minute ')).some(line => line.includes('received') || line.includes('none of its readings')), true, found.join('\n'))
  assert.equal(found.filter(line => line.startsWith('sliding ') && line.includes(': received')).length, 5)
})
