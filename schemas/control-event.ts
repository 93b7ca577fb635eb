/**
 * A change in the life of an alert, as it stands on the control topic.
 *
 * Units: at and raisedAt event time, arrivedAt and expiresAt arrival time; milliseconds since the epoch
 */
export interface ControlEvent {
  readonly id: string
  readonly alertId: string
  readonly seq: number
  readonly ordinal: number
  readonly pipeline: string
  readonly rule: string
  readonly ruleVersion: string
  readonly key: string
  readonly state: 'raised' | 'updated' | 'escalated' | 'cleared'
  readonly severity: 'info' | 'warning' | 'critical'
  readonly reason: string | null
  readonly labels: Readonly<Record<string, string>>
  readonly summary: string | null
  readonly at: number
  readonly raisedAt: number
  readonly arrivedAt: number
  readonly expiresAt: number | null
  readonly mode: 'live' | 'shadow' | 'replay'
  readonly values: Readonly<Record<string, null | boolean | number | string>>
  readonly units: Readonly<Record<string, string>>
  readonly window: { readonly name: string, readonly start: number, readonly end: number, readonly revision: number, readonly expected: number | null, readonly received: number } | null
  readonly source: { readonly topic: string, readonly partition: number, readonly offset: number }
}
