import { openLake } from '../../../connectors/duckdb/lake.ts'
import { KeyTable } from '../../../pipelines/core/keys.ts'
import { layout, readings, rollups } from './lake-kit.ts'

/** Stores readings n, n + 1, ... and a rollup that counts them for ever, saying each committed position. Killed by its parent. */
const lake = await openLake({ file: process.argv[2]!, layout })
const keys = new KeyTable(100)
const rowsPerCommit = 1_500
let next = (await lake.committed('in', 0))?.offset ?? 0
process.stdout.write('ready\n')
for (let running = Promise.resolve(); ;) {
  const rows = Array.from({ length: rowsPerCommit }, (_, row) => ({ key: `k${row % 10}`, at: next + row, celsius: next + row }))
  lake.addReadings({ source: 's', topic: 'in', partition: 0, batch: readings(rows, keys, { offset: next }), keys })
  next += rowsPerCommit
  lake.addRollups({ window: 'minute', source: 's', topic: 'in', partition: 0, rows: rollups([{ key: 'all', start: 0, end: 60, mean: next, revision: next / rowsPerCommit }], keys), keys })
  const position = next
  await running
  running = lake.commit([{ topic: 'in', partition: 0, offset: position, metadata: '' }]).then(() => { process.stdout.write(`${position}\n`) })
}
