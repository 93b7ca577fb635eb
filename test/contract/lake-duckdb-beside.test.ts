import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLake } from '../../connectors/duckdb/lake.ts'
import { storePlain } from '../kit/lake-writing.ts'
import { lakeReadContract } from './lake-read.ts'

/** The lake as the process reads it that has it open to write. */
lakeReadContract('duckdb beside its writer', {
  async open (layout, rows, t) {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-lake-beside-'))
    const lake = await openLake({ file: join(folder, 'lake.duckdb'), layout, threads: 1, memoryMax: '512MB' })
    await storePlain(lake, layout, rows)
    t.after(async () => {
      await lake.close()
      rmSync(folder, { recursive: true, force: true })
    })
    return await lake.openReader!()
  },
})
