import type { LakePort, LakeReadings, LakeRollups } from '../../pipelines/core/lake-ports.ts'
import type { ClockPort, Committed } from '../../pipelines/core/ports.ts'
import type { Random } from './random.ts'
import { readingRows, rollupRows, shown } from './rows.ts'

type Offset = Committed & { readonly topic: string, readonly partition: number }

/** What one lake has stored over its whole life, in order: it keeps what a table would replace, so that nothing twice goes unseen. */
export class Stored {
  readonly rows: string[] = []
  readonly offsets = new Map<string, Committed>()
  /** Most rows that waited for a commit at once. */
  peak = 0
}

/** One process's connection to a lake: commits take their time, whole or not at all. `at` may throw, like the memory log's. */
export class MemoryLake implements LakePort {
  readonly name = 'memory'
  readonly pendingRowsMax = 200
  readonly #stored: Stored
  readonly #clock: ClockPort
  readonly #random: Random
  readonly #at: (point: 'lake:before' | 'lake:after') => void
  #pending: string[] = []

  constructor (stored: Stored, { clock, random, at }: { readonly clock: ClockPort, readonly random: Random, readonly at: (point: 'lake:before' | 'lake:after') => void }) {
    this.#stored = stored
    this.#clock = clock
    this.#random = random
    this.#at = at
  }

  get pendingRows (): number { return this.#pending.length }

  addReadings ({ topic, partition, batch, keys }: LakeReadings): void { this.#pending.push(...readingRows(topic, partition, batch, keys)) }
  addRollups ({ window, source, partition, rows, keys }: LakeRollups): void { this.#pending.push(...rollupRows(`${source}/${partition}`, window, rows, keys)) }
  addEvents (events: readonly object[]): void { this.#pending.push(...events.map(event => `event ${shown(event)}`)) }
  addDeadLetters (letters: readonly object[]): void { this.#pending.push(...letters.map(letter => `dead-letter ${shown(letter)}`)) }
  addLate (late: readonly object[]): void { this.#pending.push(...late.map(one => `late ${shown(one)}`)) }

  async commit (offsets: readonly Offset[]): Promise<void> {
    const rows = this.#pending
    this.#pending = []
    this.#stored.peak = Math.max(this.#stored.peak, rows.length)
    if (this.#random.chance(0.5)) await this.#clock.sleep(this.#random.whole(1, 300))
    this.#at('lake:before')
    this.#stored.rows.push(...rows)
    for (const { topic, partition, offset, metadata } of offsets) this.#stored.offsets.set(`${topic}/${partition}`, { offset, metadata })
    this.#at('lake:after')
  }

  discard (): void { this.#pending = [] }
  async committed (topic: string, partition: number): Promise<Committed | null> { return this.#stored.offsets.get(`${topic}/${partition}`) ?? null }
  async expire (): Promise<number> { return 0 }
  async query (): Promise<readonly []> { return [] }
  async close (): Promise<void> {}
}
