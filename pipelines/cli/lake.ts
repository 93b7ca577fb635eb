import type { Command } from 'commander'
import { addLakeApply } from './lake-apply.ts'
import { addLakeBackfill } from './lake-backfill.ts'
import { addLakePlan } from './lake-plan.ts'

/** What a lake can be asked and told, each in a file of its own. */
const subverbs: readonly ((lake: Command) => void)[] = [addLakePlan, addLakeApply, addLakeBackfill]

/** `millrace lake`: the readings, rollups and alerts that a pipeline has kept. */
export function addLake (program: Command): void {
  const lake = program.command('lake').description('the lake of a pipeline: its tables, and what they hold')
  for (const add of subverbs) add(lake)
}
