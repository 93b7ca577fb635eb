interface Offset { readonly offset: number, readonly metadata: string, /** Place in the order in which the group was told. */ readonly told: number }
export interface OffsetsTopic { readonly name: string, readonly partitions: readonly { readonly partitionIndex: number, readonly committedOffset: number, readonly committedMetadata: string | null }[] }

/**
 * Offsets that a group has committed, and those that open transactions hold.
 *
 * Shape:  of two transactions the one whose offsets came last counts, in whichever order their markers come
 * Source: Kafka's OffsetMetadataManager
 */
export class GroupOffsets {
  readonly #committed = new Map<string, Offset>()
  readonly #pending = new Map<bigint, Map<string, Offset>>()
  readonly #epochs = new Map<bigint, number>()
  #told = 0

  /** Null, or why not. */
  hold ({ producerId, epoch }: { readonly producerId: bigint, readonly epoch: number }, topics: readonly OffsetsTopic[]): string | null {
    if (epoch < (this.#epochs.get(producerId) ?? -1)) return 'INVALID_PRODUCER_EPOCH'
    this.#epochs.set(producerId, epoch)
    const held = this.#pending.get(producerId) ?? new Map<string, Offset>()
    this.#pending.set(producerId, held)
    this.#told += 1
    for (const { name, partitions } of topics) for (const { partitionIndex, committedOffset, committedMetadata } of partitions) held.set(`${partitionIndex} ${name}`, { offset: committedOffset, metadata: committedMetadata ?? '', told: this.#told })
    return null
  }

  /** The end of a producer's transaction. Its next one goes by this epoch, or a later one. */
  settle ({ producerId, epoch, committed, strict }: { readonly producerId: bigint, readonly epoch: number, readonly committed: boolean, readonly strict: boolean }): void {
    const known = this.#epochs.get(producerId) ?? -1
    if (epoch < known || (strict && epoch === known)) return
    this.#epochs.set(producerId, epoch)
    const held = this.#pending.get(producerId)
    this.#pending.delete(producerId)
    if (held === undefined || !committed) return
    for (const [place, offset] of held) if ((this.#committed.get(place)?.told ?? 0) < offset.told) this.#committed.set(place, offset)
  }

  isPending (topic: string, partition: number): boolean {
    for (const held of this.#pending.values()) if (held.has(`${partition} ${topic}`)) return true
    return false
  }

  of (topic: string, partition: number): Offset | null { return this.#committed.get(`${partition} ${topic}`) ?? null }

  forget (topic: string): void {
    for (const offsets of [this.#committed, ...this.#pending.values()]) for (const place of offsets.keys()) if (place.endsWith(` ${topic}`)) offsets.delete(place)
  }
}
