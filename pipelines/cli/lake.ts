import type { Command } from 'commander'
import { addLakeParity } from './lake/parity-verb.ts'
import { addLakeQuery } from './lake/query-verb.ts'
import { addLakeAlerts, addLakeEpisodes, addLakeExport, addLakeKeys, addLakeReadings, addLakeStats } from './lake/row-verbs.ts'
import { addLakeServe } from './lake/serve-verb.ts'
import { addLakeSize } from './lake/size-verb.ts'
import { addLakeApply } from './lake-apply.ts'
import { addLakeBackfill } from './lake-backfill.ts'
import { addLakePlan } from './lake-plan.ts'

/** What a lake can be asked and told, each in a file of its own. */
const subverbs: readonly ((lake: Command) => void)[] = [addLakeQuery, addLakeReadings, addLakeAlerts, addLakeEpisodes, addLakeKeys, addLakeStats, addLakeExport, addLakeServe, addLakeSize, addLakeParity, addLakePlan, addLakeApply, addLakeBackfill]

/** `millrace lake`: the readings, rollups and alerts that a pipeline has kept. */
export function addLake (program: Command): void {
  const lake = program.command('lake').description('the lake of a pipeline: its tables, and what they hold')
  for (const add of subverbs) add(lake)
}
