import type { LogPort } from '../core/ports.ts'
import { endOf, type Headers, type LogRecord, records } from '../core/record-batch.ts'
import type { TableRow, TableView } from '../core/table.ts'

/** Value bytes of a table's record to a row; null when they cannot be read. */
export type RowDecoder = (value: Uint8Array, headers: Headers) => Promise<TableRow | null>

export interface TableOptions { readonly name: string, readonly topic: string, /** Column that holds the key; the record's own key where it is null. */ readonly key: string, readonly decode: RowDecoder }

const fetchBytesMax = 1 << 20
const decoder = new TextDecoder()

/**
 * The latest row per key of a compacted topic, kept up with the topic. Both legs may share it.
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
  #turn: Promise<void> = Promise.resolve()

  constructor (options: TableOptions) {
    this.name = options.name
    this.#options = options
  }

  get (key: string): TableRow | undefined { return this.#rows.get(key) }
  keys (): Iterable<string> { return this.#rows.keys() }

  /** Read all that the topic has now. Calls take turns: two at once would read every record twice. `version` tells what changed. */
  catchUp (log: LogPort): Promise<void> {
    const turn = this.#turn.then(() => this.#read(log))
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #read (log: LogPort): Promise<void> {
    const { topic } = this.#options
    const info = await log.topic(topic)
    for (let partition = 0; partition < (info?.partitions ?? 0); partition += 1) {
      const { start, end } = await log.range(topic, partition)
      let offset = Math.max(start, this.#offsets[partition] ?? 0)
      while (offset < end) {
        const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: fetchBytesMax, waitMs: 0 })
        for (const record of records(bytes)) {
          if (record.offset < offset) continue
          await this.#take(record)
          this.#offsets[partition] = record.offset + 1
        }
        // Not behind the last record: aborted transactions leave batches without any.
        const next = endOf(bytes)
        if (next <= offset) break
        offset = next
      }
      this.#offsets[partition] = Math.max(offset, end)
    }
  }

  async #take ({ key: recordKey, value, headers }: LogRecord): Promise<void> {
    const own = recordKey === null ? '' : decoder.decode(recordKey)
    const row = value === null ? null : await this.#options.decode(value, headers)
    if (value !== null && row === null) { this.unreadable += 1; return }
    const key = row === null ? null : String(row[this.#options.key] ?? own)
    const before = this.#keys.get(own)
    // A record's key stands for one row: a row under another key takes the place of the one before.
    if (before !== undefined && before !== key && this.#rows.delete(before)) this.version += 1
    if (key === null) { this.#keys.delete(own); return }
    if (recordKey !== null) this.#keys.set(own, key)
    this.#rows.set(key, row!)
    this.version += 1
  }
}
