import type { Assignment, ClockPort, Committed, GroupMember, GroupsPort } from '../../pipelines/core/ports.ts'
import type { EmbeddedLog } from './log.ts'
import { holderOf } from './owner.ts'

/**
 * Groups of a folder, from outside. Whoever holds the folder leads all of them; a log that is open for writing is that holder itself, and counts nobody.
 *
 * Errors: LOG_READ_ONLY where the folder is open for reading
 */
export class EmbeddedGroups implements GroupsPort {
  readonly #log: EmbeddedLog
  readonly #clock: ClockPort

  constructor (log: EmbeddedLog, clock: ClockPort) {
    this.#log = log
    this.#clock = clock
  }

  async members (_group: string): Promise<readonly GroupMember[]> {
    const { store } = this.#log
    store.env.resetReadTxn()
    const holder = holderOf(store, this.#clock.wallMs())
    return holder === null || holder.pid === process.pid ? [] : [{ name: `process-${holder.pid}`, host: holder.host, assignments: null }]
  }

  async positions (group: string): Promise<readonly (Committed & Assignment & { readonly member: string | null })[]> {
    const { store } = this.#log
    store.env.resetReadTxn()
    const topics = new Map([...store.topics.getRange({})].map(({ value }) => [value.number, value.name]))
    return [...store.offsets.getRange({})].flatMap(({ key, value }) => {
      const [of, number, partition] = key as unknown as readonly [string, number, number]
      const topic = topics.get(number)
      return of === group && topic !== undefined ? [{ topic, partition, ...value, member: null }] : []
    })
  }

  async delete (group: string): Promise<void> {
    const { store, writer } = this.#log
    await writer.submit(0, changes => {
      changes.write(() => {
        for (const key of store.offsets.getKeys({})) if ((key as unknown as readonly unknown[])[0] === group) void store.offsets.remove(key)
      })
    })
  }
}
