import type { LogPort } from '../core/ports.ts'
import { records } from '../core/record-batch.ts'
import type { TableRow, TableView } from '../core/table.ts'

/** Value bytes of a table's record to a row; null when they cannot be read. */
export type RowDecoder = (value: Uint8Array) => Promise<TableRow | null>

export interface TableOptions { readonly name: string, readonly topic: string, /** Column that holds the key; the record's own key where it is null. */ readonly key: string, readonly decode: RowDecoder }

const decoder = new TextDecoder()

/**
 * The latest row per key of a compacted topic, kept up with the topic.
 *
 * State:  one row per key, in memory
 * Limits: the topic's live keys must fit in memory
 */
export class Table implements TableView {
  readonly name: string
  version = 0
  /** Records that are no row of the contract. */
  unreadable = 0
  readonly #options: TableOptions
  readonly #rows = new Map<string, TableRow>()
  /** The key a record's own key last stood for, so that a tombstone finds its row. */
  readonly #keys = new Map<string, string>()
  readonly #offsets: number[] = []

  constructor (options: TableOptions) {
    this.name = options.name
    this.#options = options
  }

  get (key: string): TableRow | undefined { return this.#rows.get(key) }
  keys (): Iterable<string> { return this.#rows.keys() }

  /** Read all that the topic has now. True when a row changed. */
  async catchUp (log: LogPort): Promise<boolean> {
    const { topic } = this.#options
    const before = this.version
    const info = await log.topic(topic)
    for (let partition = 0; partition < (info?.partitions ?? 0); partition += 1) {
      const { start, end } = await log.range(topic, partition)
      let offset = Math.max(start, this.#offsets[partition] ?? 0)
      while (offset < end) {
        const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 1 << 20, waitMs: 0 })
        let next = offset
        for (const record of records(bytes)) {
          if (record.offset < offset) continue
          next = record.offset + 1
          await this.#take(record.key, record.value)
        }
        if (next === offset) break
        offset = next
      }
      this.#offsets[partition] = Math.max(offset, end)
    }
    return this.version !== before
  }

  async #take (recordKey: Uint8Array | null, value: Uint8Array | null): Promise<void> {
    const own = recordKey === null ? '' : decoder.decode(recordKey)
    if (value === null) {
      if (this.#rows.delete(this.#keys.get(own) ?? own)) this.version += 1
      return
    }
    const row = await this.#options.decode(value)
    if (row === null) { this.unreadable += 1; return }
    const key = String(row[this.#options.key] ?? own)
    this.#keys.set(own, key)
    this.#rows.set(key, row)
    this.version += 1
  }
}
