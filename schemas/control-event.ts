import { type Codec, createCodec } from './codec.ts'

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

/** Control events in Confluent wire format. Event times with a fraction of a millisecond are cut to whole ones. */
export const controlEventCodec: Codec<ControlEvent> = createCodec<ControlEvent, ControlEvent>({
  file: 'control-event.v1',
  toWire: event => ({
    ...event,
    at: Math.floor(event.at),
    raisedAt: Math.floor(event.raisedAt),
    arrivedAt: Math.floor(event.arrivedAt),
    expiresAt: event.expiresAt === null ? null : Math.floor(event.expiresAt),
    window: event.window && { ...event.window, start: Math.floor(event.window.start), end: Math.floor(event.window.end) },
  }),
  fromWire: wire => ({ ...wire, labels: { ...wire.labels }, values: { ...wire.values }, units: { ...wire.units }, window: wire.window && { ...wire.window }, source: { ...wire.source } }),
})
