import { DatabaseSync } from 'node:sqlite'
import { type ControlEvent, type Verdict, verdictOn } from './event.ts'

export interface Aside { readonly topic: string, readonly partition: number, readonly offset: string, readonly why: string, readonly value: Uint8Array | null }

/**
 * Where effects live, and beside them what was settled. Any store with transactions will do; this one is a file that several processes of one
 * machine may share.
 *
 * `last` has a row per (pipeline, rule, key) with the ordinal of the last event settled. `work_orders` is the effect: what people see, or what a
 * sender takes from here to another system (with the event's id as the idempotency key). `aside` has what could not be read.
 */
export class Store {
  readonly #database: DatabaseSync
  readonly #last
  readonly #settle
  readonly #order
  readonly #aside

  constructor (path: string) {
    this.#database = new DatabaseSync(path, { timeout: 10_000 })
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS last (pipeline TEXT, rule TEXT, key TEXT, ordinal INTEGER NOT NULL, verdict TEXT NOT NULL, PRIMARY KEY (pipeline, rule, key));
      CREATE TABLE IF NOT EXISTS work_orders (number INTEGER PRIMARY KEY, event_id TEXT NOT NULL, key TEXT NOT NULL, what TEXT NOT NULL, severity TEXT NOT NULL, summary TEXT);
      CREATE TABLE IF NOT EXISTS aside (topic TEXT, partition INTEGER, "offset" TEXT, why TEXT NOT NULL, value BLOB, PRIMARY KEY (topic, partition, "offset"));
    `)
    this.#last = this.#database.prepare('SELECT ordinal FROM last WHERE pipeline = ? AND rule = ? AND key = ?')
    this.#settle = this.#database.prepare('INSERT INTO last VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET ordinal = excluded.ordinal, verdict = excluded.verdict')
    this.#order = this.#database.prepare('INSERT INTO work_orders (event_id, key, what, severity, summary) VALUES (?, ?, ?, ?, ?)')
    this.#aside = this.#database.prepare('INSERT INTO aside VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
  }

  /** Ordinal and effect in one transaction: both are there afterwards, or neither, whenever this process is killed. */
  settle (event: ControlEvent, nowMs: number): Verdict {
    const { id, pipeline, rule, key, ordinal, state, severity, summary } = event
    // IMMEDIATE: two processes that have the same event in hand, as in a rebalance, come one after the other.
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const last = this.#last.get(pipeline, rule, key)?.ordinal ?? 0
      const verdict = verdictOn(event, Number(last), nowMs)
      if (verdict === 'act') this.#order.run(id, key, state === 'cleared' ? 'close' : 'open', severity, summary)
      if (verdict === 'act' || verdict === 'expired') this.#settle.run(pipeline, rule, key, ordinal, verdict)
      this.#database.exec('COMMIT')
      return verdict
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
  }

  putAside ({ topic, partition, offset, why, value }: Aside): void { this.#aside.run(topic, partition, offset, why, value) }

  close (): void { this.#database.close() }
}
