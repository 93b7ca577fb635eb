/** The fields of a control event that this program uses; schemas/control-event.v1.avsc has them all. */
export interface ControlEvent {
  readonly id: string
  readonly ordinal: number
  readonly pipeline: string
  readonly rule: string
  readonly key: string
  readonly state: 'raised' | 'updated' | 'escalated' | 'cleared'
  readonly severity: 'info' | 'warning' | 'critical'
  readonly summary: string | null
  readonly mode: 'live' | 'shadow' | 'replay'
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | null
}

/** What to do with an event: `act`, or why not. */
export type Verdict = 'act' | 'repeated' | 'not live' | 'expired'

/**
 * `last` is the ordinal of the last event that was settled for the same pipeline, rule and key; 0: none.
 *
 * Events of a key come in the order of their ordinals. One at or below the last has been settled before: it was delivered again, or
 * something newer overtook it. Either way there is nothing left to do for it.
 */
export function verdictOn (event: ControlEvent, last: number, nowMs: number): Verdict {
  if (event.mode !== 'live') return 'not live'
  if (event.ordinal <= last) return 'repeated'
  return event.expiresAt !== null && event.expiresAt <= nowMs ? 'expired' : 'act'
}

/** Anything can be written to a topic. */
export function isControlEvent (value: unknown): value is ControlEvent {
  const { id, ordinal, pipeline, rule, key, state, mode, expiresAt } = (value ?? {}) as Partial<Record<keyof ControlEvent, unknown>>
  return [id, pipeline, rule, key, state, mode].every(text => typeof text === 'string') && Number.isSafeInteger(ordinal) && (expiresAt === null || typeof expiresAt === 'number')
}
