import type { Distribution, Figure, Sample } from '../../connectors/prometheus/figures.ts'
import { type LakeFigures, requestTimesMs } from '../core/lake-figures.ts'
import { commitTimesMs, type TaskStatus } from '../runtime/health.ts'
import { backlogs } from '../runtime/lake-wait.ts'
import type { Leg } from '../runtime/names.ts'
import type { LegStatus } from '../runtime/status.ts'

/** A leg as monitoring sees it. */
export interface LegView {
  readonly pipeline: string
  readonly leg: Leg
  readonly status: LegStatus
  readonly committed: LegStatus
  /** Of a lake that is written to over a network. */
  readonly lake?: Readonly<LakeFigures> | null
  readonly stored?: Readonly<Record<'readings' | 'rollups' | 'events', number>>
}

interface Row {
  readonly name: string
  readonly kind: Figure['kind']
  readonly help: string
  /** Beside `pipeline` and `leg`. */
  readonly labels: readonly string[]
  readonly of: (leg: LegView, nowMs: number) => readonly (readonly [labels: readonly string[], value: number | Distribution])[]
}

const one = (value: number | Distribution) => [[[], value]] as const
const each = (counts: ReadonlyMap<string, number>) => [...counts].map(([name, many]) => [[name], many] as const)
const ofTasks = (value: (task: TaskStatus, nowMs: number) => number | null) => ({ status }: LegView, nowMs: number) =>
  status.health.tasks().map(task => [[task.source, task.topic, `${task.partition}`], value(task, nowMs) ?? Number.NaN] as const)
const ofLake = (value: (figures: LakeFigures) => number | Distribution) => ({ lake = null }: LegView) => lake === null ? [] : one(value(lake))
const task = ['source', 'topic', 'partition']

/**
 * Every metric of a leg. Counters are as of the last commit, so that none goes back when a leg begins anew.
 *
 * Source: docs/metrics.md prints this table
 */
export const legFigures: readonly Row[] = [
  { name: 'millrace_records_total', kind: 'counter', labels: ['source'], help: 'Records of the inputs that were processed and committed.', of: ({ committed }) => each(committed.sources) },
  { name: 'millrace_readings_total', kind: 'counter', labels: [], help: 'Readings that passed decoding and normalisation.', of: ({ committed }) => one(committed.normalised) },
  { name: 'millrace_dropped_total', kind: 'counter', labels: ['reason'], help: 'Readings left out for a reason that is no error: duplicates, out of order for a rule, and the like.', of: ({ committed }) => each(committed.dropped) },
  { name: 'millrace_dead_letters_total', kind: 'counter', labels: ['reason'], help: 'Records that could not be used and went to the dead-letter topic, by error code.', of: ({ committed }) => each(committed.deadLetters) },
  { name: 'millrace_late_readings_total', kind: 'counter', labels: [], help: 'Readings that came after every pane of a window had expired, once per window.', of: ({ committed }) => one(committed.late) },
  { name: 'millrace_windows_closed_total', kind: 'counter', labels: [], help: 'Windows that have closed.', of: ({ committed }) => one(committed.windows) },
  { name: 'millrace_events_total', kind: 'counter', labels: ['state'], help: 'Control events, by what became of the alert.', of: ({ leg, committed }) => leg === 'pond' ? [] : [[['raised'], committed.raised], [['cleared'], committed.cleared]] },
  { name: 'millrace_lake_rows_total', kind: 'counter', labels: ['kind'], help: 'Rows stored in the lake: readings, rollups, and events with late readings and dead letters.', of: ({ stored }) => Object.entries(stored ?? {}).map(([kind, many]) => [[kind], many] as const) },
  { name: 'millrace_commits_total', kind: 'counter', labels: [], help: 'Commits of outputs and positions.', of: ({ committed }) => one(committed.commits) },
  { name: 'millrace_commit_seconds', kind: 'histogram', labels: [], help: 'From sending a commit to its end.', of: ({ status: { health: { commitTimes: { counts, sumMs } } } }) => one({ bounds: commitTimesMs.map(ms => ms / 1_000), counts, sum: sumMs / 1_000 }) },
  { name: 'millrace_snapshots_total', kind: 'counter', labels: [], help: 'Snapshots of tasks that were written.', of: ({ status }) => one(status.health.snapshots) },
  { name: 'millrace_snapshot_bytes_total', kind: 'counter', labels: [], help: 'Bytes of snapshots that were written.', of: ({ status }) => one(status.health.snapshotBytes) },
  { name: 'millrace_restores_total', kind: 'counter', labels: [], help: 'Tasks that were restored from a snapshot.', of: ({ status }) => one(status.health.restores) },
  { name: 'millrace_restore_seconds_total', kind: 'counter', labels: [], help: 'Time that restoring tasks took, in sum.', of: ({ status }) => one(status.health.restoreMs / 1_000) },
  { name: 'millrace_restore_remaining_records', kind: 'gauge', labels: [], help: 'Records that tasks being restored have still to play again.', of: ({ status }) => one([...status.health.restoring.values()].reduce((sum, { position, to }) => sum + to - position, 0)) },
  { name: 'millrace_retries_total', kind: 'counter', labels: [], help: 'How often the leg began anew after an error of the world around it.', of: ({ status }) => one(status.retries) },
  { name: 'millrace_reading', kind: 'gauge', labels: [], help: '1 while every task is restored and read; 0 while it restores or waits out an error.', of: ({ status }) => one(status.health.readingSinceMs === null ? 0 : 1) },
  { name: 'millrace_trouble', kind: 'gauge', labels: ['code'], help: '1 with the code of the error that the leg waits out; absent when there is none.', of: ({ status: { health: { trouble } } }) => trouble === null ? [] : [[[trouble.code], 1]] },
  { name: 'millrace_trouble_seconds', kind: 'gauge', labels: ['code'], help: 'How long the leg has waited out that error; absent when there is none.', of: ({ status: { health: { trouble } } }, nowMs) => trouble === null ? [] : [[[trouble.code], Math.max(0, (nowMs - trouble.sinceMs) / 1_000)]] },
  { name: 'millrace_tasks', kind: 'gauge', labels: [], help: 'Tasks (partitions of sources) that this process has.', of: ({ status }) => one(status.health.tasks().length) },
  { name: 'millrace_task_lag_records', kind: 'gauge', labels: task, help: 'Records between the position of the task and the end of its log.', of: ofTasks(({ position, end }) => end - position) },
  { name: 'millrace_task_lag_seconds', kind: 'gauge', labels: task, help: 'How long ago the next record to process arrived, by its timestamp; 0 when there is none. Needs clocks of brokers and workers that agree.', of: ofTasks(lagSeconds) },
  { name: 'millrace_task_watermark_lag_seconds', kind: 'gauge', labels: task, help: 'How far the watermark is behind the wall clock.', of: ofTasks(({ watermark }, nowMs) => (nowMs - watermark) / 1_000) },
  { name: 'millrace_task_uncommitted_records', kind: 'gauge', labels: task, help: 'Records that are processed and not yet committed.', of: ofTasks(({ position, committed }) => position - committed.position) },
  { name: 'millrace_task_parked_seconds', kind: 'gauge', labels: task, help: 'How long the task has stood still for want of a verdict on a schema; 0: it does not.', of: ofTasks(({ parked }, nowMs) => parked === null ? 0 : Math.max(0, (nowMs - parked.sinceMs) / 1_000)) },
  { name: 'millrace_task_commit_timestamp_seconds', kind: 'gauge', labels: task, help: 'When this process last committed the task; absent before.', of: ofTasks(({ committed: { wallMs } }) => wallMs === null ? null : wallMs / 1_000) },
  { name: 'millrace_task_snapshot_timestamp_seconds', kind: 'gauge', labels: task, help: 'When the last snapshot of the task was taken.', of: ofTasks(({ saved }) => saved && saved.wallMs / 1_000) },
  { name: 'millrace_task_snapshot_bytes', kind: 'gauge', labels: task, help: 'Bytes written for the last snapshot of the task; a delta has few.', of: ofTasks(({ saved }) => saved?.bytes ?? null) },
  { name: 'millrace_copied_lag_records', kind: 'gauge', labels: ['topic'], help: 'Records of a topic of the race (control events, dead letters, late readings) that the pond has not yet taken for the lake.', of: ({ status }) => [...copiedLag(status)].map(([topic, lag]) => [[topic], lag] as const) },
  { name: 'millrace_retention_left_seconds', kind: 'gauge', labels: ['topic'], help: 'How long until a topic that the pond reads deletes what is not yet stored; all of its retention when nothing waits. Absent for topics that keep everything.', of: ({ leg, status }, nowMs) => leg === 'race' ? [] : backlogs(status.health, nowMs).map(({ topic, leftMs }) => [[topic], leftMs / 1_000] as const) },
  { name: 'millrace_lake_requests_total', kind: 'counter', labels: [], help: 'Requests that a lake in Cassandra has answered with success.', of: ofLake(({ requests }) => requests) },
  { name: 'millrace_lake_sent_rows_total', kind: 'counter', labels: [], help: 'Rows of these requests, of every table: keys and positions too, and again what was written before a new beginning.', of: ofLake(({ rows }) => rows) },
  { name: 'millrace_lake_sent_bytes_total', kind: 'counter', labels: [], help: 'Bytes of these requests.', of: ofLake(({ bytes }) => bytes) },
  { name: 'millrace_lake_retries_total', kind: 'counter', labels: [], help: 'Requests that failed and were sent again.', of: ofLake(({ retries }) => retries) },
  { name: 'millrace_lake_requests_in_flight', kind: 'gauge', labels: [], help: 'Requests to a lake in Cassandra that are under way.', of: ofLake(({ inFlight }) => inFlight) },
  { name: 'millrace_lake_requests_in_flight_most', kind: 'gauge', labels: [], help: 'The most there were since the lake was opened.', of: ofLake(({ inFlightMax }) => inFlightMax) },
  { name: 'millrace_lake_request_seconds', kind: 'histogram', labels: [], help: 'From sending a request to its answer.', of: ofLake(({ requestTimes: { counts, sumMs } }) => ({ bounds: requestTimesMs.map(ms => ms / 1_000), counts, sum: sumMs / 1_000 })) },
  { name: 'millrace_task_state_bytes', kind: 'gauge', labels: task, help: 'State of the task as of its last snapshot.', of: ofTasks(({ saved }) => saved?.stateBytes ?? null) },
]

function copiedLag ({ health }: LegStatus): ReadonlyMap<string, number> {
  const lags = new Map<string, number>()
  for (const { topic, position, end } of health.copied()) lags.set(topic, (lags.get(topic) ?? 0) + end - position)
  return lags
}

/** Arrival of the next record to process against now. Where it is not known yet, that of the record before it, which is no later. */
export function lagSeconds ({ position, end, arrival }: Pick<TaskStatus, 'position' | 'end' | 'arrival'>, nowMs: number): number | null {
  if (position >= end) return 0
  return Number.isFinite(arrival) ? Math.max(0, (nowMs - arrival) / 1_000) : null
}

export interface WorkerFacts { readonly version: string, readonly member: string | null }

/** The figures of a process, made when somebody scrapes. `legs` is asked each time: a reload changes them. */
export function figuresOf (legs: () => readonly LegView[], { worker, wallMs }: { readonly worker: () => WorkerFacts, readonly wallMs: () => number }): readonly Figure[] {
  const samples = (row: Row): readonly Sample[] => {
    const nowMs = wallMs()
    return legs().flatMap(leg => row.of(leg, nowMs).map(([values, value]) => ({ labels: { pipeline: leg.pipeline, leg: leg.leg, ...Object.fromEntries(row.labels.map((name, at) => [name, values[at]!])) }, value })))
  }
  return [
    { name: infoName, kind: 'gauge', help: infoHelp, samples: () => [{ labels: { version: worker().version, member: worker().member ?? '' }, value: 1 }] },
    ...legFigures.map(row => ({ name: row.name, kind: row.kind, help: row.help, samples: () => samples(row) })),
  ]
}

export const infoName = 'millrace_build_info'
export const infoHelp = 'Always 1: version of Millrace, and the static name of this worker in its groups (empty on the embedded log).'
