import { StreamError } from '../../pipelines/core/errors.ts'
import { emptyPartition, type Store, type StoredPartition, type StoredTopic } from './store.ts'

/**
 * What one group of writes changes. Reads see the changes of the works before it in the group; nothing reaches the store until the group is done.
 */
export class Changes {
  readonly #store: Store
  readonly #topics = new Map<string, StoredTopic | null>()
  readonly #partitions = new Map<string, { readonly key: number[], readonly value: StoredPartition | null }>()
  readonly #puts: (() => unknown)[] = []
  #nextTopic: number | null = null

  constructor (store: Store) { this.#store = store }

  topic (name: string): StoredTopic | null {
    const changed = this.#topics.get(name)
    return changed !== undefined ? changed : this.#store.topics.get(name) ?? null
  }

  setTopic (name: string, topic: StoredTopic | null): void { this.#topics.set(name, topic) }

  partition (topicNumber: number, partition: number): StoredPartition {
    return this.#partitions.get(`${topicNumber}/${partition}`)?.value ?? this.#store.partitions.get([topicNumber, partition]) ?? emptyPartition
  }

  setPartition (topicNumber: number, partition: number, value: StoredPartition | null): void {
    this.#partitions.set(`${topicNumber}/${partition}`, { key: [topicNumber, partition], value })
  }

  /** Numbers are never given twice, so that a topic made anew does not meet batches of the old one. */
  nextTopicNumber (): number {
    const number = this.#nextTopic ?? this.#store.meta.get('nextTopic') as number | undefined ?? 1
    this.#nextTopic = number + 1
    return number
  }

  /** A put or remove of any table, done when the group is written. */
  write (put: () => unknown): void { this.#puts.push(put) }

  /** Call inside the store's transaction. Each put has a promise of its own, which fails with the transaction: that is told once, by the transaction. */
  flush (): void {
    const { topics, partitions, meta } = this.#store
    const put = (promise: unknown) => { if (promise instanceof Promise) promise.catch(() => {}) }
    if (this.#nextTopic !== null) put(meta.put('nextTopic', this.#nextTopic))
    for (const write of this.#puts) put(write())
    for (const [name, topic] of this.#topics) put(topic ? topics.put(name, topic) : topics.remove(name))
    for (const { key, value } of this.#partitions.values()) put(value ? partitions.put(key, value) : partitions.remove(key))
  }
}

interface Work { readonly bytes: number, readonly alone: boolean, readonly make: (changes: Changes) => unknown, readonly failed: ((error: unknown) => void) | undefined, readonly resolve: (result: never) => void, readonly reject: (error: unknown) => void }

export interface WriterOptions {
  readonly token: number
  /** `disk`: a write is done when the disk has it; `process`: when every process sees it, the disk following at once. */
  readonly durability: 'process' | 'disk'
  readonly queuedBytesMax: number
  readonly onWritten: () => void
}

/**
 * The only way into the store: works are applied in the order they came, many to a transaction. While one transaction is being written,
 * what comes gathers for the next.
 *
 * State:    works waiting, at most `queuedBytesMax`
 * Delivery: a work is applied whole or not at all; a work that throws is left out of its group
 * Errors:   LOG_FENCED when another process owns the folder by now, LOG_UNAVAILABLE, LOG_QUEUE_FULL, LOG_CLOSED
 */
export class Writer {
  readonly #store: Store
  readonly #options: WriterOptions
  #waiting: Work[] = []
  #waitingBytes = 0
  #running: Promise<void> | null = null
  #closed = false

  constructor (store: Store, options: WriterOptions) {
    this.#store = store
    this.#options = options
  }

  /**
   * `make` checks first and changes then: what it throws must leave `changes` as it was. `failed` is told before any work behind this one is made,
   * which a rejected promise is not.
   */
  submit<T> (bytes: number, make: (changes: Changes) => T, failed?: (error: unknown) => void): Promise<T> { return this.#queue({ bytes, make, alone: false, failed }) }

  /** The same in a transaction of its own, so that `make` may read the tables themselves. */
  exclusive<T> (make: (changes: Changes) => T): Promise<T> { return this.#queue({ bytes: 0, make, alone: true, failed: undefined }) }

  #queue<T> (work: Pick<Work, 'bytes' | 'alone' | 'failed'> & { readonly make: (changes: Changes) => T }): Promise<T> {
    const refusal = this.#refusal(work.bytes)
    if (refusal !== null) {
      work.failed?.(refusal)
      return Promise.reject(refusal)
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...work, resolve, reject })
      this.#waitingBytes += work.bytes
      this.#running ??= this.#run()
    })
  }

  #refusal (bytes: number): StreamError | null {
    if (this.#closed) return new StreamError('LOG_CLOSED')
    const { queuedBytesMax } = this.#options
    return this.#waitingBytes > 0 && this.#waitingBytes + bytes > queuedBytesMax ? new StreamError('LOG_QUEUE_FULL', { waitingBytes: this.#waitingBytes, bytes, queuedBytesMax }) : null
  }

  /** Write what waits, refuse the rest. */
  async close (): Promise<void> {
    this.#closed = true
    while (this.#running) await this.#running
  }

  async #run (): Promise<void> {
    // One turn for works of the same moment to gather.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const alone = this.#waiting.findIndex(work => work.alone)
      const group = this.#waiting.splice(0, alone < 0 ? this.#waiting.length : Math.max(alone, 1))
      for (const { bytes } of group) this.#waitingBytes -= bytes
      await this.#write(group)
    }
    this.#running = null
  }

  async #write (group: readonly Work[]): Promise<void> {
    const changes = new Changes(this.#store)
    const done: { readonly work: Work, readonly result: unknown }[] = []
    for (const work of group) {
      try {
        done.push({ work, result: work.make(changes) })
      } catch (error) {
        refuse(work, error)
      }
    }
    if (done.length === 0) return
    try {
      await this.#commit(changes)
    } catch (error) {
      for (const { work } of done) refuse(work, error)
      return
    }
    this.#options.onWritten()
    for (const { work, result } of done) work.resolve(result as never)
  }

  async #commit (changes: Changes): Promise<void> {
    const { owner, env } = this.#store
    const { token, durability } = this.#options
    let mine: boolean
    try {
      const written = owner.ifVersion('owner', token, () => { changes.flush() }) as Promise<boolean> & { readonly flushed?: Promise<void> }
      mine = await written
      if (mine && durability === 'disk') await written.flushed
      env.resetReadTxn()
    } catch (cause) {
      void (cause as { readonly commitError?: Promise<never> }).commitError?.catch(() => {})
      throw new StreamError('LOG_UNAVAILABLE', {}, { cause })
    }
    if (!mine) throw new StreamError('LOG_FENCED', { why: 'another process has taken the data folder' })
  }
}

function refuse (work: Work, error: unknown): void {
  work.failed?.(error)
  work.reject(error)
}
