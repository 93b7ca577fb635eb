import { createHealth, type LegHealth, mergeHealth } from './health.ts'

/**
 * What a leg has done since it started, and where it stands.
 *
 * Units: watermark milliseconds since the epoch, the lowest of its tasks; lag records between position and log end
 */
export interface LegStatus {
  readings: number
  normalised: number
  windows: number
  raised: number
  cleared: number
  late: number
  commits: number
  snapshots: number
  /** How often it began anew after an error of the world around it. */
  retries: number
  readonly deadLetters: Map<string, number>
  readonly dropped: Map<string, number>
  /** Of `readings`, by source. */
  readonly sources: Map<string, number>
  watermark: number
  lag: number
  /** Shared by all copies. */
  readonly health: LegHealth
}

export function createStatus (): LegStatus {
  return { readings: 0, normalised: 0, windows: 0, raised: 0, cleared: 0, late: 0, commits: 0, snapshots: 0, retries: 0, deadLetters: new Map(), dropped: new Map(), sources: new Map(), watermark: Number.NEGATIVE_INFINITY, lag: 0, health: createHealth() }
}

export function add (counts: Map<string, number>, reason: string, by: number): void { counts.set(reason, (counts.get(reason) ?? 0) + by) }

export function copyStatus (status: LegStatus): LegStatus {
  return { ...status, deadLetters: new Map(status.deadLetters), dropped: new Map(status.dropped), sources: new Map(status.sources) }
}

/** Back to what was committed: what comes again is not counted twice. */
export function resetStatus (status: LegStatus, { deadLetters, dropped, sources, ...numbers }: LegStatus): void {
  Object.assign(status, numbers)
  for (const [to, from] of [[status.deadLetters, deadLetters], [status.dropped, dropped], [status.sources, sources]] as const) {
    to.clear()
    for (const [reason, many] of from) to.set(reason, many)
  }
}

const counted = ['readings', 'normalised', 'windows', 'raised', 'cleared', 'late', 'commits', 'snapshots', 'retries', 'lag'] as const

/** Of several workers, as if they were one: counts add up, the watermark is the lowest. */
export function mergeStatus (statuses: readonly LegStatus[]): LegStatus {
  const watermarks = statuses.map(({ watermark }) => watermark).filter(Number.isFinite)
  const merged = { ...createStatus(), health: mergeHealth(statuses.map(({ health }) => health)), watermark: watermarks.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...watermarks) }
  for (const status of statuses) {
    for (const name of counted) merged[name] += status[name]
    for (const [to, from] of [[merged.deadLetters, status.deadLetters], [merged.dropped, status.dropped], [merged.sources, status.sources]] as const) for (const [reason, many] of from) add(to, reason, many)
  }
  return merged
}
