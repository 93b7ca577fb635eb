import type { ControlEvent } from '../../schemas/control-event.ts'
import { canonicalJson } from '../core/hash.ts'
import type { LakeAlert } from '../core/lake-ports.ts'

/** Control topics are whole, or begin somewhere: then the lake may know of more. */
export interface AlertParityOptions { readonly from: number, readonly to: number, readonly isWhole: boolean }

interface Episode { last: ControlEvent, raisedArrival: number | null }
const fields = ['key', 'rule', 'ruleVersion', 'state', 'seq', 'ordinal', 'severity', 'reason', 'labels', 'summary', 'raisedAt', 'raisedArrival', 'clearedAt', 'updatedAt', 'expiresAt', 'mode', 'values', 'units'] as const satisfies readonly (keyof LakeAlert)[]

/**
 * Episodes as the events of the control topic tell them, against the alerts that the lake has.
 *
 * Shape: event..., then compare..., then missing; of episodes raised in [from, to)
 * State: an event of each episode that has not met its alert
 */
export class AlertParity {
  compared = 0
  /** Alerts of before the topic begins. */
  older = 0
  readonly #options: AlertParityOptions
  readonly #episodes = new Map<string, Episode>()

  constructor (options: AlertParityOptions) { this.#options = options }

  event (event: ControlEvent): void {
    const { from, to } = this.#options
    if (event.raisedAt < from || event.raisedAt >= to) return
    const known = this.#episodes.get(event.alertId)
    const episode = known ?? { last: event, raisedArrival: null }
    if (known === undefined) this.#episodes.set(event.alertId, episode)
    if (event.seq > episode.last.seq) episode.last = event
    if (event.state === 'raised') episode.raisedArrival = event.arrivedAt
  }

  * compare (alerts: readonly LakeAlert[]): Generator<string> {
    for (const alert of alerts) {
      const episode = this.#episodes.get(alert.alertId)
      this.#episodes.delete(alert.alertId)
      if (episode === undefined && !this.#options.isWhole) {
        this.older += 1
        continue
      }
      this.compared += 1
      if (episode === undefined) {
        yield `${named(alert)}: in the lake, but not in the control topic`
        continue
      }
      const wanted = alertOf(episode)
      // What was raised before the topic begins has an arrival that only the lake still knows.
      const known = fields.filter(field => field !== 'raisedArrival' || episode.raisedArrival !== null)
      for (const field of known) if (canonicalJson(alert[field]) !== canonicalJson(wanted[field])) yield `${named(alert)}: ${field} is ${JSON.stringify(alert[field])}, in the control topic ${JSON.stringify(wanted[field])}`
    }
  }

  * missing (): Generator<string> {
    for (const { last } of this.#episodes.values()) yield `${named(last)}: in the control topic, but not in the lake`
  }
}

function alertOf ({ last, raisedArrival }: Episode): Pick<LakeAlert, typeof fields[number]> {
  return { ...last, raisedArrival, clearedAt: last.state === 'cleared' ? last.at : null, updatedAt: last.at }
}

const named = ({ alertId, rule, key, raisedAt }: Pick<LakeAlert, 'alertId' | 'rule' | 'key' | 'raisedAt'>) => `alert ${rule} of ${key} raised at ${new Date(raisedAt).toISOString()}, ${alertId}`
