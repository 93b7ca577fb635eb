import type { GroupMember, LogPort } from '../core/ports.ts'
import { arrivalAt } from '../runtime/copier.ts'
import type { CommitFacts } from '../runtime/lead.ts'
import { type Leg, names } from '../runtime/names.ts'
import { readMark } from '../runtime/pond-mark.ts'
import { latestSnapshots, type SnapshotLook } from '../runtime/state-reader.ts'

/**
 * A task as somebody outside sees it.
 *
 * Units: lagRecords records between `position` and `end`; lagSeconds how long ago the record at `position` arrived, 0 at the end, null where it cannot be
 *        told; times milliseconds since the epoch
 */
export interface TaskStanding {
  readonly leg: Leg
  readonly source: string | null
  readonly topic: string
  readonly partition: number
  /** Who has it; null: nobody, or it cannot be told. */
  readonly member: string | null
  readonly position: number
  /** The pond's positions are in the lake: what is told is that of its last snapshot. */
  readonly positionOf: 'commit' | 'snapshot'
  readonly end: number
  readonly lagRecords: number
  readonly lagSeconds: number | null
  readonly watermark: number | null
  readonly committedAt: number | null
  readonly snapshotAt: number | null
  readonly snapshotPosition: number | null
  readonly stateBytes: number | null
  /** How long until the topic deletes the record at `position`; null: nothing waits, or it keeps everything. */
  readonly leftSeconds: number | null
}
/** What a leg waits out, and since when; `toldAt` is when its process last said so. Its tasks' positions are where it stands still. */
export interface LegWaits { readonly code: string, readonly message: string, readonly sinceMs: number, readonly toldAt: number }
export interface LegStanding { readonly leg: Leg, /** Null: the client cannot tell. */ readonly members: readonly GroupMember[] | null, readonly tasks: readonly TaskStanding[], readonly waits: LegWaits | null }
export interface PipelineStanding { readonly pipeline: string, readonly legs: readonly LegStanding[] }

/** Names of the pipelines that have run on a log: each has left its state there. */
export async function pipelinesIn (log: LogPort): Promise<readonly string[]> {
  const found = (await log.topics()).flatMap(({ name }) => /^millrace\.(.+)\.(?:race|pond)\.state$/.exec(name)?.[1] ?? [])
  return [...new Set(found)].sort()
}

/** Read from the log alone: group, committed positions, ends, and the heads of snapshots. */
export async function standingOf (log: LogPort, pipeline: string, nowMs: number): Promise<PipelineStanding> {
  const legs: LegStanding[] = []
  for (const leg of ['race', 'pond'] as const) {
    const state = await log.topic(names.state(pipeline, leg))
    if (state === null) continue
    const looks = (await Promise.all(Array.from({ length: state.partitions }, async (_, partition) => (await latestSnapshots(log, state.name, partition)).map(look => ({ ...look, partition }))))).flat().filter(({ facts }) => facts.aside !== true)
    const group = names.group(pipeline, leg)
    const [members, positions] = log.groups === undefined ? [null, []] : await Promise.all([log.groups.members(group), log.groups.positions(group)])
    const tasks: TaskStanding[] = []
    for (const look of looks) {
      const { topic } = look.facts
      const committed = positions.find(one => one.topic === topic && one.partition === look.partition) ?? null
      const member = members?.find(({ assignments }) => assignments === null || assignments.some(one => one.topic === topic && one.partition === look.partition))?.name ?? null
      tasks.push(await taskOf(log, { leg, look, committed, member, nowMs }))
    }
    const mark = leg === 'pond' ? readMark(positions.find(one => one.topic === state.name && one.partition === 0)?.metadata ?? '') : null
    const waits = mark !== null && mark.trouble !== null ? { ...mark.trouble, toldAt: mark.wallMs } : null
    // Where it is in the race's topics nobody else knows, and it moves unless it waits.
    if (waits !== null) for (const [topic, offsets] of Object.entries(mark!.copied)) for (const [partition, position] of offsets.entries()) tasks.push(await copiedOf(log, { topic, partition, position, committedAt: mark!.wallMs, nowMs }))
    tasks.sort((a, b) => a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition)
    legs.push({ leg, members, tasks, waits })
  }
  return { pipeline, legs }
}

interface Found { readonly leg: Leg, readonly look: SnapshotLook & { readonly partition: number }, readonly committed: { readonly offset: number, readonly metadata: string } | null, readonly member: string | null, readonly nowMs: number }

async function taskOf (log: LogPort, { leg, look, committed, member, nowMs }: Found): Promise<TaskStanding> {
  const { source, partition, facts: { topic, position: snapshotPosition, wallMs = null, watermark = null }, stateBytes } = look
  const facts = committed === null ? null : factsOf(committed.metadata)
  const position = committed?.offset ?? snapshotPosition
  const behind = await behindOf(log, { topic, partition, position, nowMs })
  return {
    leg, source, topic, partition, member, position, positionOf: committed === null ? 'snapshot' : 'commit', ...behind,
    watermark: facts?.watermark ?? watermark, committedAt: facts?.wallMs ?? null, snapshotAt: wallMs, snapshotPosition, stateBytes,
  }
}

interface Place { readonly topic: string, readonly partition: number, readonly position: number, readonly nowMs: number }

async function copiedOf (log: LogPort, { committedAt, ...place }: Place & { readonly committedAt: number }): Promise<TaskStanding> {
  const { topic, partition, position } = place
  return { leg: 'pond', source: null, topic, partition, member: null, position, positionOf: 'commit', ...await behindOf(log, place), watermark: null, committedAt, snapshotAt: null, snapshotPosition: null, stateBytes: null }
}

async function behindOf (log: LogPort, { topic, partition, position, nowMs }: Place): Promise<Pick<TaskStanding, 'end' | 'lagRecords' | 'lagSeconds' | 'leftSeconds'>> {
  const { start, end } = await log.range(topic, partition).catch(() => ({ start: position, end: position }))
  const lagSeconds = position >= end ? 0 : await arrivalAt(log, { topic, partition, offset: position }).then(arrival => arrival === null ? null : Math.max(0, (nowMs - arrival) / 1_000), () => null)
  const retentionMs = (await log.topic(topic))?.retentionMs ?? null
  return { end, lagRecords: Math.max(0, end - position), lagSeconds, leftSeconds: position < start ? 0 : retentionMs === null || lagSeconds === null || position >= end ? null : retentionMs / 1_000 - lagSeconds }
}

function factsOf (metadata: string): Partial<CommitFacts> | null { try { return JSON.parse(metadata) as Partial<CommitFacts> } catch { return null } }
