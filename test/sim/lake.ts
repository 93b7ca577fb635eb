import type { LakeChunks, LakePort, LakeReadings, LakeRollups } from '../../pipelines/core/lake-ports.ts'
import type { ClockPort, Committed } from '../../pipelines/core/ports.ts'
import { type ChunkRow, chunkRows } from './chunk-table.ts'
import type { Random } from './random.ts'
import { readingRows, rollupRows, shown } from './rows.ts'

type Offset = Committed & { readonly topic: string, readonly partition: number }

/** What one lake has stored over its whole life, in order: it keeps what a table would replace, so that nothing twice goes unseen. */
export class Stored {
  readonly rows: string[] = []
  readonly chunks = new Map<string, ChunkRow>()
  readonly offsets = new Map<string, Committed>()
  /** Most rows that waited for a commit at once. */
  peak = 0
}

/** One process's connection to a lake: commits take their time, whole or not at all, but for chunks. `at` may throw, like the memory log's. */
export class MemoryLake implements LakePort {
  readonly name = 'memory'
  readonly pendingRowsMax = 200
  readonly #stored: Stored
  readonly #clock: ClockPort
  readonly #random: Random
  readonly #at: (point: 'lake:before' | 'lake:after') => void
  #pending: string[] = []
  #pendingChunks: ChunkRow[] = []

  constructor (stored: Stored, { clock, random, at }: { readonly clock: ClockPort, readonly random: Random, readonly at: (point: 'lake:before' | 'lake:after') => void }) {
    this.#stored = stored
    this.#clock = clock
    this.#random = random
    this.#at = at
  }

  get pendingRows (): number { return this.#pending.length + this.#pendingChunks.length }

  addReadings ({ topic, partition, batch, keys }: LakeReadings): void { this.#pending.push(...readingRows(topic, partition, batch, keys)) }
  addChunks (rows: LakeChunks): void { this.#pendingChunks.push(...chunkRows(rows)) }
  addRollups ({ window, source, partition, rows, keys }: LakeRollups): void { this.#pending.push(...rollupRows(`${source}/${partition}`, window, rows, keys)) }
  addEvents (events: readonly object[]): void { this.#pending.push(...events.map(event => `event ${shown(event)}`)) }
  addDeadLetters (letters: readonly object[]): void { this.#pending.push(...letters.map(letter => `dead-letter ${shown(letter)}`)) }
  addLate (late: readonly object[]): void { this.#pending.push(...late.map(one => `late ${shown(one)}`)) }

  async commit (offsets: readonly Offset[]): Promise<void> {
    const rows = this.#pending
    const chunks = this.#pendingChunks
    this.#pending = []
    this.#pendingChunks = []
    this.#stored.peak = Math.max(this.#stored.peak, rows.length)
    if (this.#random.chance(0.5)) await this.#clock.sleep(this.#random.whole(1, 300))
    // Chunks are no part of the transaction: each is written by itself, before the positions, and some of them though the process dies.
    const many = this.#random.whole(0, chunks.length)
    this.#write(chunks.slice(0, many))
    this.#at('lake:before')
    this.#write(chunks.slice(many))
    this.#stored.rows.push(...rows)
    for (const { topic, partition, offset, metadata } of offsets) this.#stored.offsets.set(`${topic}/${partition}`, { offset, metadata })
    this.#at('lake:after')
  }

  #write (chunks: readonly ChunkRow[]): void {
    for (const chunk of chunks) if ((this.#stored.chunks.get(chunk.id)?.writtenAs ?? 0) <= chunk.writtenAs) this.#stored.chunks.set(chunk.id, chunk)
  }

  discard (): void {
    this.#pending = []
    this.#pendingChunks = []
  }


  async committed (topic: string, partition: number): Promise<Committed | null> { return this.#stored.offsets.get(`${topic}/${partition}`) ?? null }
  async expire (): Promise<number> { return 0 }
  async query (): Promise<readonly []> { return [] }
  async close (): Promise<void> {}
}
