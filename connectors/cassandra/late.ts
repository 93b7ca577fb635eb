import { StreamError } from '../../pipelines/core/errors.ts'
import type { LakeFigures } from '../../pipelines/core/lake-figures.ts'
import type { CommitHooks, LakeChunks, LakePort, LakeReadings, LakeRollups } from '../../pipelines/core/lake-ports.ts'
import type { Committed } from '../../pipelines/core/ports.ts'
import type { ControlEvent } from '../../schemas/control-event.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import type { LateReading } from '../../schemas/late-reading.ts'
import { type CassandraLakeOptions, openCassandraLake } from './lake.ts'
import type { Position } from './positions.ts'

/**
 * As `openCassandraLake`, but a cluster that is away now is asked again by whoever asks the lake how far it is.
 *
 * Errors: those of `openCassandraLake` that a person must mend; the others from `committed`
 */
export async function openCassandraLakeSometime (options: CassandraLakeOptions): Promise<LakePort> {
  try {
    return await openCassandraLake(options)
  } catch (error) {
    if (!(error instanceof StreamError) || error.action !== 'retry') throw error
    return new LateLake(() => openCassandraLake(options), error)
  }
}

/** A lake that is not there yet: nothing is given to it before it has said how far it is. */
class LateLake implements LakePort {
  readonly name = 'cassandra'
  readonly #open: () => Promise<LakePort>
  readonly #why: StreamError
  #opening: Promise<LakePort> | null = null
  #lake: LakePort | null = null
  #isClosed = false

  constructor (open: () => Promise<LakePort>, why: StreamError) {
    this.#open = open
    this.#why = why
  }

  get pendingRows (): number { return this.#lake?.pendingRows ?? 0 }
  get pendingRowsMax (): number { return this.#lake?.pendingRowsMax ?? 0 }
  get figures (): Readonly<LakeFigures> | null { return this.#lake?.figures ?? null }
  addReadings (rows: LakeReadings): void { this.#there.addReadings(rows) }
  addChunks (rows: LakeChunks): void { this.#there.addChunks!(rows) }
  addRollups (rows: LakeRollups): void { this.#there.addRollups(rows) }
  addEvents (events: readonly ControlEvent[]): void { this.#there.addEvents(events) }
  addDeadLetters (letters: readonly DeadLetter[]): void { this.#there.addDeadLetters(letters) }
  addLate (late: readonly LateReading[]): void { this.#there.addLate(late) }
  async commit (positions: readonly Position[], hooks?: CommitHooks): Promise<void> { await this.#there.commit(positions, hooks) }
  discard (): void { this.#lake?.discard() }
  async expire (nowMs: number): Promise<number> { return await this.#lake?.expire(nowMs) ?? 0 }

  async committed (topic: string, partition: number): Promise<Committed | null> {
    if (this.#isClosed) throw new StreamError('LAKE_UNAVAILABLE', { why: 'closed' })
    this.#opening ??= this.#open()
    try {
      this.#lake = await this.#opening
    } finally {
      this.#opening = this.#lake === null ? null : this.#opening
    }
    return this.#lake.committed(topic, partition)
  }

  async close (): Promise<void> {
    this.#isClosed = true
    const lake = await this.#opening?.catch(() => null)
    await lake?.close()
  }

  get #there (): LakePort {
    if (this.#lake === null) throw this.#why
    return this.#lake
  }
}
