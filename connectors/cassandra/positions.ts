import type { types } from 'cassandra-driver'
import type { Committed } from '../../pipelines/core/ports.ts'
import { TextGroups } from './groups.ts'
import type { CassandraSession } from './session.ts'
import { type Statement, StagedRows } from './staged.ts'
import { insertOf, type StatementText } from './statements.ts'
import { qualified } from './table.ts'
import type { LakeTables } from './tables.ts'

export type Position = Committed & { readonly topic: string, readonly partition: number }
interface Written { readonly epoch: number, readonly offset: number, readonly metadata: string, readonly stamp: bigint }

/** Offsets of an epoch are below 2^46: fifty thousand records a second for four decades. */
const epochBits = 46n

export function positionStatement (keyspace: string, table: LakeTables['offsets']): StatementText {
  const { pipeline, topic, partition, epoch, offset, metadata } = table.column
  return insertOf(keyspace, table, [pipeline, topic, partition, epoch, offset, metadata])
}

/**
 * How far a pipeline has stored each partition of its topics.
 *
 * Delivery: written as of the offset, so that a position of one who does not know that another has taken over never wins over a later one; of two at
 *           the same offset the later one of a writer wins. A lower offset than before is a reset, and begins a new epoch
 * State:    the last position of each partition as read or written, until `forget`
 */
export class Positions {
  readonly rows: StagedRows
  readonly #groups: TextGroups
  readonly #session: CassandraSession
  readonly #pipeline: string
  readonly #select: string
  readonly #known = new Map<string, Written | null>()

  constructor (session: CassandraSession, { keyspace, pipeline, offsets }: LakeTables, statement: Statement) {
    this.rows = new StagedRows(offsets.name, [statement])
    this.#groups = new TextGroups(this.rows)
    this.#session = session
    this.#pipeline = pipeline
    this.#select = `SELECT epoch, offset, metadata, WRITETIME(offset) AS stamp FROM ${qualified(keyspace, offsets.name)} WHERE pipeline = ? AND topic = ? AND partition = ?`
  }

  /** As it is now, whoever wrote it. */
  async read (topic: string, partition: number): Promise<Committed | null> {
    const row = (await this.#session.execute(this.#select, [this.#pipeline, topic, partition])).first() as types.Row | null
    const found = row === null ? null : { epoch: Number(row.epoch), offset: Number(row.offset), metadata: String(row.metadata), stamp: BigInt(String(row.stamp)) }
    this.#known.set(nameOf(topic, partition), found)
    return found && { offset: found.offset, metadata: found.metadata }
  }

  /** Rows of those that have moved. Gives them, for `written`. */
  async stage (positions: readonly Position[]): Promise<readonly (readonly [string, Written])[]> {
    const moved: (readonly [string, Written])[] = []
    this.rows.clear()
    this.#groups.clear()
    for (const { topic, partition, offset, metadata } of positions) {
      const name = nameOf(topic, partition)
      if (!this.#known.has(name)) await this.read(topic, partition)
      const before = this.#known.get(name) ?? null
      if (before !== null && before.offset === offset && before.metadata === metadata) continue
      const epoch = before === null ? 0 : offset < before.offset ? before.epoch + 1 : before.epoch
      const by = (BigInt(epoch) << epochBits) + BigInt(offset) + 1n
      const written = { epoch, offset, metadata, stamp: before === null || by > before.stamp ? by : before.stamp + 1n }
      this.#row(topic, partition, written)
      moved.push([name, written])
    }
    return moved
  }

  /** They are durable. */
  written (moved: readonly (readonly [string, Written])[]): void { for (const [name, written] of moved) this.#known.set(name, written) }
  forget (): void { this.#known.clear() }

  #row (topic: string, partition: number, { epoch, offset, metadata, stamp }: Written): void {
    const { rows } = this
    const { cells } = rows
    const group = this.#groups.of('', cells => { cells.text(this.#pipeline) })
    cells.text(topic)
    cells.int(partition)
    cells.whole(epoch)
    cells.whole(offset)
    cells.text(metadata)
    cells.big(stamp)
    rows.add(group, 0, rows.addOrigin({ topic, partition }), offset, 0)
  }
}

const nameOf = (topic: string, partition: number) => `${partition}/${topic}`
