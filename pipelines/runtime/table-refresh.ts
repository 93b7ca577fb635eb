import { StreamError } from '../core/errors.ts'
import type { ClockPort, LogPort } from '../core/ports.ts'
import type { Table } from './tables.ts'

const everyMs = 250
/** A leg waits so long for its tables before it goes on with the rows it has. */
const soonMs = 50
const againMs = 1_000

/**
 * Keeps tables up with their topics while a leg runs. A row whose schema the registry cannot tell of now waits, and the ones behind it: the leg
 * goes on with the rows that were read before, which is what the journal says of them.
 *
 * Errors: those of the log, by the next call
 */
export class TableRefresh {
  readonly #tables: ReadonlyMap<string, Table>
  readonly #log: LogPort
  readonly #clock: ClockPort
  #dueAt = Number.NEGATIVE_INFINITY
  #underWay: Promise<void> | null = null
  #failure: unknown = null

  constructor ({ tables, log, clock }: { readonly tables: ReadonlyMap<string, Table>, readonly log: LogPort, readonly clock: ClockPort }) {
    this.#tables = tables
    this.#log = log
    this.#clock = clock
  }

  /** Versions of the tables: another text when a row of any has changed. */
  get versions (): string { return [...this.#tables.values()].map(({ version }) => version).join() }

  /** Where the tables may have changed. */
  async refresh (): Promise<void> {
    if (this.#tables.size === 0) return
    const now = this.#clock.monotonicMs()
    if (this.#underWay === null && now >= this.#dueAt) {
      this.#dueAt = now + everyMs
      this.#underWay = this.#read().finally(() => { this.#underWay = null })
      const over = new AbortController()
      await Promise.race([this.#underWay, this.#clock.sleep(soonMs, over.signal)])
      over.abort()
    }
    if (this.#failure !== null) throw this.#failure
  }

  async #read (): Promise<void> {
    for (const table of this.#tables.values()) {
      try {
        await table.catchUp(this.#log)
      } catch (error) {
        if (error instanceof StreamError && error.code.startsWith('REGISTRY_')) this.#dueAt = this.#clock.monotonicMs() + againMs
        else this.#failure ??= error
      }
    }
  }
}
