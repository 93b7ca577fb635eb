import type { SchemaName } from '../core/journal.ts'

/**
 * Where a task stands, made when somebody asks.
 *
 * Units: offsets; watermark and arrival milliseconds since the epoch by the log's clock, wallMs by the wall's
 */
export interface TaskStatus {
  readonly source: string
  readonly topic: string
  readonly partition: number
  /** The next record to process. */
  readonly position: number
  /** The input's end as last seen. */
  readonly end: number
  /** -Infinity: no reading yet; so is `arrival`. */
  readonly watermark: number
  /** Arrival of where it is: of the first record that is fetched and not yet processed, else of the last one processed. */
  readonly arrival: number
  /** The position last committed, restored ones included; `wallMs` null: not by this process. */
  readonly committed: { readonly position: number, readonly wallMs: number | null }
  readonly saved: SavedStatus | null
  readonly parked: ParkedStatus | null
}

/** A partition of a topic that is stored as it is. Units as those of a task; `arrival` of the next record, NaN where there is none or it is not known. */
export type CopiedStatus = Pick<TaskStatus, 'topic' | 'partition' | 'position' | 'end' | 'arrival'>

/** A task stands still until there is a verdict on a schema. `sinceMs` by the wall's clock. */
export interface ParkedStatus { readonly schema: SchemaName, readonly sinceMs: number, readonly why: string }

/** The last snapshot of a task: bytes written for it (a delta's are few), and of the state it stands for. */
export interface SavedStatus { readonly wallMs: number, readonly bytes: number, readonly stateBytes: number }

/** How far a task that is being restored has come, from the snapshot's position to the committed one. */
export interface RestoreStatus { readonly source: string, readonly topic: string, readonly partition: number, readonly from: number, readonly to: number, readonly position: number }

/** Upper bounds of `commitTimes.counts`, in milliseconds; one more count is of those above. */
export const commitTimesMs: readonly number[] = [2, 5, 10, 20, 30, 50, 100, 200, 500, 1_000, 2_500, 5_000, 10_000]

/**
 * How a leg is, beside what it has processed: facts of this process, which no error takes back.
 *
 * Units: restoreMs and snapshotBytes are sums since the start
 */
export interface LegHealth {
  /** Commits by how long they took from sending to their end. */
  readonly commitTimes: { readonly counts: number[], sumMs: number }
  snapshots: number
  snapshotBytes: number
  restores: number
  restoreMs: number
  /** Tasks that are on their way from snapshot to committed position, by source and partition. */
  readonly restoring: Map<string, RestoreStatus>
  /** Since when, by the wall clock, it reads; null: it is restoring, or waits out an error. */
  readingSinceMs: number | null
  /** The error of the world around it that it waits out, and since when. */
  trouble: { readonly code: string, readonly message: string, readonly sinceMs: number } | null
  /** Tasks that this process has now. */
  tasks: () => readonly TaskStatus[]
  /** Of the pond: where it is in the topics that it stores as they are. */
  copied: () => readonly CopiedStatus[]
  /** How long each topic that is read keeps its records; null: for ever. */
  retentions: ReadonlyMap<string, number | null>
}

export function createHealth (): LegHealth {
  return { commitTimes: { counts: [...commitTimesMs, 0].map(() => 0), sumMs: 0 }, snapshots: 0, snapshotBytes: 0, restores: 0, restoreMs: 0, restoring: new Map(), readingSinceMs: null, trouble: null, tasks: () => [], copied: () => [], retentions: new Map() }
}

export function countCommit ({ commitTimes }: LegHealth, tookMs: number): void {
  const at = commitTimesMs.findIndex(boundMs => tookMs <= boundMs)
  commitTimes.counts[at < 0 ? commitTimesMs.length : at]! += 1
  commitTimes.sumMs += tookMs
}

export function countSnapshot (health: LegHealth, saved: SavedStatus | null): void {
  health.snapshots += 1
  health.snapshotBytes += saved?.bytes ?? 0
}

/** Of several workers, as if they were one: it reads when all do, and one's trouble is everyone's. */
export function mergeHealth (healths: readonly LegHealth[]): LegHealth {
  const merged = { ...createHealth(), readingSinceMs: latest(healths.map(({ readingSinceMs }) => readingSinceMs)), tasks: () => healths.flatMap(({ tasks }) => tasks()), copied: () => healths.flatMap(({ copied }) => copied()), retentions: new Map(healths.flatMap(({ retentions }) => [...retentions])) }
  for (const { commitTimes, snapshots, snapshotBytes, restores, restoreMs, restoring, trouble } of healths) {
    commitTimes.counts.forEach((many, at) => { merged.commitTimes.counts[at]! += many })
    merged.commitTimes.sumMs += commitTimes.sumMs
    merged.snapshots += snapshots
    merged.snapshotBytes += snapshotBytes
    merged.restores += restores
    merged.restoreMs += restoreMs
    for (const [name, progress] of restoring) merged.restoring.set(name, progress)
    merged.trouble ??= trouble
  }
  return merged
}

const latest = (since: readonly (number | null)[]): number | null => since.length === 0 || since.includes(null) ? null : Math.max(...since as readonly number[])

/** For the plan of one run of a leg. */
export function restoreHooks (health: LegHealth) {
  const { restoring } = health
  restoring.clear()
  return {
    restoring: (progress: RestoreStatus) => {
      const name = `${progress.source}/${progress.partition}`
      if (progress.position < progress.to) restoring.set(name, progress)
      else restoring.delete(name)
    },
    restored: (tookMs: number) => {
      health.restores += 1
      health.restoreMs += tookMs
    },
  }
}
