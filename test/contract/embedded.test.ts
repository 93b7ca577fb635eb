import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { openEmbeddedLog } from '../../connectors/embedded/log.ts'
import { logContract } from './log-contract.ts'

logContract('embedded log', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'))
  const log = await openEmbeddedLog({ folder, clock: machineClock })
  return {
    log,
    clock: machineClock,
    finish: async () => {
      await log.close()
      rmSync(folder, { recursive: true })
    },
  }
})
