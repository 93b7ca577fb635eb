import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedLake, openLake } from '../../connectors/duckdb/lake.ts'
import { layout, lakeWriteContract } from './lake-write.ts'

lakeWriteContract('lake in DuckDB', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lake-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  let lake: EmbeddedLake
  const another = async () => {
    lake = await openLake({ file: join(folder, 'lake.duckdb'), layout })
    const opened = lake
    t.after(() => opened.close())
    return lake
  }
  await another()
  return { lake: lake!, another, rows: async table => lake.query(`SELECT * FROM cold_chain_${table}`) }
})
