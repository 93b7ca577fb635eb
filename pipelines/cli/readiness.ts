import { taskName } from '../runtime/names.ts'
import type { LegView } from './figures.ts'

const commitWithinMs = 30_000
/** A healthy registry has had its 30 s by then. */
const parkedMs = 60_000

/**
 * Why a process is not ready, a line each: a leg that does not read, waits out an error, or has not committed what it has processed for too long.
 *
 * Limits: 30 s from processing to commit, a minute for a verdict on a schema
 */
export function unready (legs: readonly LegView[], nowMs: number): readonly string[] {
  if (legs.length === 0) return ['starting']
  return legs.flatMap(({ pipeline, leg, status: { health } }) => {
    const of = `${pipeline} ${leg}`
    const { trouble, readingSinceMs, restoring } = health
    const behind = health.tasks().filter(({ position, committed }) => position > committed.position)
    // An error that came and went leaves its trace until the next commit: it counts while something waits for one.
    if (trouble !== null && (readingSinceMs === null || behind.length > 0)) return [`${of}: waits since ${new Date(trouble.sinceMs).toISOString()}: ${trouble.code}`]
    if (readingSinceMs === null) return [...restoring.values()].map(({ source, partition, position, to }) => `${of}: restores ${source}/${partition}, ${to - position} records to go`).concat(restoring.size === 0 ? [`${of}: restores`] : [])
    const parked = health.tasks().flatMap(task => task.parked !== null && nowMs - task.parked.sinceMs > parkedMs ? [`${of}: ${taskName(task)} waits since ${new Date(task.parked.sinceMs).toISOString()} for schema ${task.parked.schema}: ${task.parked.why}`] : [])
    return parked.concat(behind.flatMap(task => {
      const sinceMs = Math.max(task.committed.wallMs ?? 0, readingSinceMs)
      return nowMs - sinceMs > commitWithinMs ? [`${of}: ${taskName(task)} has committed nothing since ${new Date(sinceMs).toISOString()}`] : []
    }))
  })
}
