import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLake } from '../../connectors/duckdb/lake.ts'
import { openDuckReader } from '../../connectors/duckdb/lake-reader.ts'
import { storePlain } from '../kit/lake-writing.ts'
import { type LakeUnderContract, lakeReadContract, lakeTailContract } from './lake-read.ts'

const duckdb: LakeUnderContract = {
  async open (layout, rows, t) {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-lake-read-'))
    const file = join(folder, 'lake.duckdb')
    const lake = await openLake({ file, layout, threads: 1, memoryMax: '512MB' })
    await storePlain(lake, layout, rows)
    await lake.close()
    const reader = await openDuckReader({ file, layout, memoryMax: '512MB' })
    t.after(async () => {
      await reader.close()
      rmSync(folder, { recursive: true, force: true })
    })
    return reader
  },
}
lakeReadContract('duckdb', duckdb)
lakeTailContract('duckdb', duckdb, { lakes: 2, questions: 30, devices: 30 })

lakeReadContract('duckdb, while it is written', {
  async open (layout, rows, t) {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-lake-read-'))
    const lake = await openLake({ file: join(folder, 'lake.duckdb'), layout, threads: 1, memoryMax: '512MB' })
    await storePlain(lake, layout, rows)
    t.after(async () => {
      await lake.close()
      rmSync(folder, { recursive: true, force: true })
    })
    return lake.openReader!()
  },
})
