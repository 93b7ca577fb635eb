import type { ControlEvent } from '../../schemas/control-event.ts'
import { StreamError } from '../core/errors.ts'
import { Outputs } from '../core/outputs.ts'
import type { LakePort, LakePositionsPort } from '../core/lake-ports.ts'
import type { CommitFacts, LegPlan, Place } from '../runtime/lead.ts'
import { names } from '../runtime/names.ts'
import { createTask } from '../runtime/restore.ts'
import { SnapshotWriter } from '../runtime/snapshot.ts'
import { latestSnapshots } from '../runtime/state-reader.ts'
import type { Bound } from './bound.ts'
import { CliError } from './exit.ts'
import { clearing, lastSaid, numberOn } from './said.ts'

export type To = 'earliest' | 'latest' | 'committed' | Bound
/** `committed` null: nothing, or of a topic that was made anew since. */
export interface TaskReset { readonly place: Place, readonly topicId: string, readonly committed: number | null, readonly to: number }

/** What a reset of a leg will do. */
export interface LegReset {
  readonly plan: LegPlan
  readonly tasks: readonly TaskReset[]
  /** The input has other partitions than the leg's own topics: those are made anew. */
  readonly rekey: boolean
  /** Records that would be processed, and events said, a second time; null: nobody knows, since nothing is committed. */
  readonly repeated: number | null
  readonly skipped: number
  /** The last event of each rule and key, of the race. */
  readonly said: readonly ControlEvent[]
  readonly clears: readonly ControlEvent[]
}

/**
 * Look at what is there, and change nothing.
 *
 * Errors: LOG_GROUP_BUSY; CliError where the position cannot be, or the input has other partitions and nobody said --rekey
 */
export async function planReset (plan: LegPlan, { to, rekey, lake, nowMs }: { readonly to: To, readonly rekey: boolean, readonly lake: Pick<LakePositionsPort, 'committed'> | null, readonly nowMs: number }): Promise<LegReset> {
  const { log, pipeline, leg } = plan
  const group = names.group(pipeline.name, leg)
  if (log.groups === undefined) throw new CliError('config', `Cannot reset through this client: it cannot say who is in the group ${group}; use the default one`)
  const members = await log.groups.members(group)
  if (members.length > 0) throw new StreamError('LOG_GROUP_BUSY', { group, members: members.map(({ name, host }) => `${name}@${host}`) })
  const positions = leg === 'race' ? await log.groups.positions(group) : []
  const tasks: TaskReset[] = []
  for (const { name: source, topic, idleMs } of pipeline.sources) {
    const info = await log.topic(topic)
    if (info === null) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic })
    for (let partition = 0; partition < info.partitions; partition += 1) {
      const found = lake === null ? positions.find(one => one.topic === topic && one.partition === partition) ?? null : await lake.committed(topic, partition)
      const committed = found !== null && topicOf(found.metadata) === info.id ? found.offset : null
      const place = { source, topic, partition, partitions: info.partitions, idleMs }
      tasks.push({ place, topicId: info.id, committed, to: await positionOf(plan, place, { to, committed }) })
    }
  }
  const partitions = Math.max(...tasks.map(({ place }) => place.partitions))
  const state = await log.topic(names.state(pipeline.name, leg))
  const differs = state !== null && state.partitions !== partitions
  if (differs && !rekey) throw new CliError('config', `The input has ${partitions} partitions, the state was kept for ${state.partitions}: keys may lie elsewhere now. Say --rekey to begin with empty state in all of them`)
  const said = leg === 'race' && pipeline.control !== null ? await lastSaid(log, pipeline.control.topic, pipeline.name) : []
  const known = tasks.filter(({ committed }) => committed !== null)
  const unknown = tasks.some(({ committed, place }) => committed === null && said.some(({ source }) => source.topic === place.topic && source.partition === place.partition)) && to !== 'latest'
  return {
    plan, tasks, rekey: differs, said, clears: clearing(said, nowMs),
    repeated: unknown ? null : known.reduce((sum, { committed, to }) => sum + Math.max(0, committed! - to), 0),
    skipped: known.reduce((sum, { committed, to }) => sum + Math.max(0, to - committed!), 0),
  }
}

/**
 * Do it, in an order in which a crash between two steps leaves an incident or the old state, never a silent beginning somewhere else: new snapshots,
 * then positions, then what is of no use any more. The control events that clear are the caller's to say, last.
 */
export async function applyReset ({ plan, tasks, rekey, said, clears }: LegReset, lake: LakePort | null): Promise<void> {
  const { log, clock, pipeline, leg } = plan
  const [state, journal] = [names.state(pipeline.name, leg), names.journal(pipeline.name, leg)]
  const partitions = Math.max(...tasks.map(({ place }) => place.partitions))
  if (rekey) for (const name of [state, journal]) await log.deleteTopic(name)
  for (const name of [state, journal]) await log.createTopic({ name, partitions, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
  const before = await Promise.all(Array.from({ length: partitions }, async (_, partition) => ({ state: await log.range(state, partition), journal: await log.range(journal, partition), generation: await generationOf(plan, partition) })))
  const numbers = [...clears, ...said.filter(({ state }) => state === 'cleared')]
  for (const { place, topicId, to } of tasks) {
    const task = createTask(pipeline, plan, place)
    task.load(new Uint8Array(0), to, to)
    task.step(new Outputs(), null)
    numberOn(task, numbers, { place, rekey })
    const { generation, journal: { end: journalOffset } } = before[place.partition]!
    const writer = new SnapshotWriter(log, { topic: state, partition: place.partition, source: place.source }, { generation: generation + 1 })
    await writer.write(task.snapshot(), { position: to, journal: 0, journalOffset, topic: place.topic, topicId, definitionHash: pipeline.hash, definition: plan.definition, wallMs: clock.wallMs(), watermark: null, ...plan.zones != null && { zones: plan.zones }, ...lake === null && { uncommitted: true } })
  }
  if (lake === null) await log.groups!.delete(names.group(pipeline.name, leg))
  else await lake.commit(tasks.map(({ place: { topic, partition }, topicId, to }) => ({ topic, partition, offset: to, metadata: JSON.stringify({ topicId, hash: pipeline.hash, journal: 0 } satisfies CommitFacts) })))
  for (const [partition, { state: was, journal: entries }] of before.entries()) {
    await log.trim(state, partition, was.end)
    await log.trim(journal, partition, entries.end)
  }
}

/** Of what cannot be read any more nobody needs the number: it is trimmed away. */
async function generationOf ({ log, pipeline, leg }: LegPlan, partition: number): Promise<number> {
  try {
    return Math.max(0, ...(await latestSnapshots(log, names.state(pipeline.name, leg), partition)).map(({ generation }) => generation))
  } catch (error) {
    if (error instanceof StreamError && error.code.startsWith('STATE_')) return 0
    throw error
  }
}

async function positionOf ({ log }: LegPlan, { topic, partition }: Place, { to, committed }: { readonly to: To, readonly committed: number | null }): Promise<number> {
  const { start, end } = await log.range(topic, partition)
  if (to === 'earliest') return start
  if (to === 'latest') return end
  if (to === 'committed') return committed === null ? start : Math.min(Math.max(committed, start), end)
  if ('timestamp' in to) return log.offsetAt(topic, partition, to.timestamp)
  if (to.offset < start || to.offset > end) throw new CliError('usage', `Cannot reset to an offset that is not there: topic=${JSON.stringify(topic)} partition=${partition} offset=${to.offset} start=${start} end=${end}`)
  return to.offset
}

function topicOf (metadata: string): string | null { try { return (JSON.parse(metadata) as Partial<CommitFacts>).topicId ?? null } catch { return null } }
