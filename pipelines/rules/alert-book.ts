import type { ControlEvent } from '../../schemas/control-event.ts'
import { hashText } from '../core/hash.ts'
import { grown, type KeyTable } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { Moment } from '../core/stage.ts'
import type { Stateful, StateTree } from '../core/state.ts'

/** What all events of one rule have in common. Plain data: it is kept in the state, so that a rule that is gone can be cleared. */
export interface RuleFacts {
  readonly pipeline: string
  readonly source: string
  readonly topic: string
  readonly partition: number
  readonly mode: ControlEvent['mode']
  readonly rule: string
  readonly ruleVersion: string
  readonly severity: ControlEvent['severity']
  readonly ttlMs: number | null
  /** The clock that `at` is read from: `arrival` for absence, `event` for all else. */
  readonly clock: 'event' | 'arrival'
}

/** One change, as the stage that saw it tells it. */
export interface Change {
  readonly key: number
  /** Log position and arrival of the cause; with the stage number they order outputs. */
  readonly position: number
  readonly arrivedAt: number
  readonly at: number
  /** Offset of the reading that decided; differs from `position` where a reading waited for the watermark. */
  readonly offset: number
  readonly values: ControlEvent['values']
  readonly units: ControlEvent['units']
  readonly window: ControlEvent['window']
  readonly summary: ((labels: ControlEvent['labels']) => string) | null
}

interface OpenAlert { readonly alertId: string, readonly raisedAt: number, readonly labels: ControlEvent['labels'], seq: number }

/**
 * The open alerts of one rule and the events of their lives.
 *
 * Shape:  `alertId` = 128 bits of SHA-256 over the JSON array [pipeline, source, rule, key, begin], where `begin` is the position of
 *         the reading that began the episode (with the window's start, end and revision, or the due moment and the ordinal of an absence,
 *         since one position can begin several of those); `seq` is 1 for raised; `ordinal` is 1 for the first event of a key and grows by 1
 * State:  one entry per open alert, one ordinal per key that ever had an alert
 * Source: architecture section 5, Rules
 */
export class AlertBook implements Stateful {
  readonly #facts: RuleFacts
  readonly #stage: number
  readonly #keys: KeyTable
  /** The JSON array that `alertId` hashes, as far as it is the same for all alerts of the rule. */
  readonly #identity: string
  readonly #open = new Map<number, OpenAlert>()
  /** Ordinal of the last event by key id. */
  #ordinal = new Int32Array(0)
  #ordinals = 0

  constructor (facts: RuleFacts, stage: number, keys: KeyTable) {
    this.#facts = facts
    this.#stage = stage
    this.#keys = keys
    this.#identity = JSON.stringify([facts.pipeline, facts.source, facts.rule]).slice(0, -1)
  }

  has (key: number): boolean { return this.#open.has(key) }

  /** Keys of open alerts in order of key id. */
  openKeys (): number[] { return [...this.#open.keys()].sort((a, b) => a - b) }

  /** Ordinal of the key's last event; 0 when there was none. */
  ordinal (key: number): number { return this.#ordinal[key] ?? 0 }

  raise (change: Change, begin: string, labels: ControlEvent['labels'], out: Outputs): void {
    const alertId = hashText(`${this.#identity},${JSON.stringify(this.#keys.text(change.key))},"${begin}"]`)
    const alert = { alertId, raisedAt: change.at, labels, seq: 1 }
    this.#open.set(change.key, alert)
    this.#emit(alert, change, 'raised', null, out)
  }

  clear (change: Change, reason: string | null, out: Outputs): void {
    const alert = this.#open.get(change.key)!
    alert.seq += 1
    this.#open.delete(change.key)
    this.#emit(alert, change, 'cleared', reason, out)
  }

  /** Clear for a reason that is no reading: no values, `at` from the rule's clock and not before the alert was raised. */
  clearFor (key: number, reason: string, { position, watermark, arrivalClock }: Moment, out: Outputs): void {
    const { raisedAt } = this.#open.get(key)!
    const at = Math.max(raisedAt, this.#facts.clock === 'arrival' ? arrivalClock : watermark)
    this.clear({ key, position, arrivedAt: arrivalClock, at, offset: position, values: {}, units: {}, window: null, summary: null }, reason, out)
  }

  snapshot (): StateTree {
    const open = this.openKeys()
    const alerts = open.map(key => this.#open.get(key)!)
    const numbered: number[] = []
    for (let key = 0; numbered.length < this.#ordinals; key += 1) if (this.#ordinal[key]! > 0) numbered.push(key)
    return {
      facts: { ...this.#facts },
      open: Int32Array.from(open),
      seq: Int32Array.from(alerts, alert => alert.seq),
      raisedAt: Float64Array.from(alerts, alert => alert.raisedAt),
      alertId: alerts.map(alert => alert.alertId),
      labels: alerts.map(alert => alert.labels),
      ordinalKeys: Int32Array.from(numbered),
      ordinals: Int32Array.from(numbered, key => this.#ordinal[key]!),
    }
  }

  restore (state: StateTree): void {
    this.#open.clear()
    const raisedAt = state.raisedAt as Float64Array
    const seq = state.seq as Int32Array
    for (const [i, key] of (state.open as Int32Array).entries()) {
      const labels = { ...(state.labels as readonly StateTree[])[i] } as Record<string, string>
      this.#open.set(key, { alertId: (state.alertId as readonly string[])[i]!, raisedAt: raisedAt[i]!, labels, seq: seq[i]! })
    }
    const numbered = state.ordinalKeys as Int32Array
    const ordinals = state.ordinals as Int32Array
    this.#ordinal = new Int32Array((numbered.at(-1) ?? -1) + 1)
    this.#ordinals = numbered.length
    for (const [i, key] of numbered.entries()) this.#ordinal[key] = ordinals[i]!
  }

  #emit (alert: OpenAlert, change: Change, state: 'raised' | 'cleared', reason: string | null, out: Outputs): void {
    const { pipeline, topic, partition, mode, rule, ruleVersion, severity, ttlMs } = this.#facts
    const { key, position, arrivedAt, at, offset, values, units, window, summary } = change
    const event: ControlEvent = {
      id: `${alert.alertId}-${alert.seq}`,
      alertId: alert.alertId,
      seq: alert.seq,
      ordinal: this.#next(key),
      pipeline, rule, ruleVersion,
      key: this.#keys.text(key),
      state, severity, reason,
      labels: alert.labels,
      summary: summary === null ? null : summary(alert.labels),
      at,
      raisedAt: alert.raisedAt,
      arrivedAt,
      expiresAt: ttlMs === null ? null : arrivedAt + ttlMs,
      mode, values, units, window,
      source: { topic, partition, offset },
    }
    out.events.push({ position, stage: this.#stage, event })
  }

  #next (key: number): number {
    if (key >= this.#ordinal.length) this.#ordinal = grown(this.#ordinal, key + 1)
    if (this.#ordinal[key] === 0) this.#ordinals += 1
    return this.#ordinal[key]! += 1
  }
}
