import { type ControlEvent, controlEventCodec } from '../../schemas/control-event.ts'
import { canonicalJson } from '../core/hash.ts'

/**
 * Control events as they were emitted against the same stretch of the past played again. `mode` says which is which, and is left out.
 *
 * State: every event of one side that has not met its other
 */
export class Differences {
  readonly #replayed = new Map<string, ControlEvent>()
  readonly #lines: string[] = []
  #same = 0

  /** As it would be on the wire, where times are whole. */
  replayed (event: ControlEvent): void { this.#replayed.set(event.id, controlEventCodec.decode(controlEventCodec.encode(event, 0))) }

  live (event: ControlEvent): void {
    const other = this.#replayed.get(event.id)
    if (other === undefined) {
      this.#lines.push(`only in the control topic: ${named(event)}`)
      return
    }
    this.#replayed.delete(event.id)
    const fields = (Object.keys(event) as (keyof ControlEvent)[]).filter(field => field !== 'mode' && canonicalJson(event[field]) !== canonicalJson(other[field]))
    if (fields.length === 0) this.#same += 1
    for (const field of fields) this.#lines.push(`${field} of ${named(event)}: ${JSON.stringify(event[field])} in the control topic, ${JSON.stringify(other[field])} in the replay`)
  }

  finish (): { readonly same: number, readonly lines: readonly string[] } {
    return { same: this.#same, lines: [...this.#lines, ...[...this.#replayed.values()].map(event => `only in the replay: ${named(event)}`)] }
  }
}

const named = ({ id, rule, key, state, at }: ControlEvent) => `${rule} of ${key} ${state} at ${new Date(at).toISOString()}, id ${id}`
