import { randomUUID } from 'node:crypto'
import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort, Commit, Committed, Fetched, FetchRequest, JoinRequest, LogPort, Membership, TopicInfo, TopicSpec } from '../../pipelines/core/ports.ts'
import { crc32c } from './crc.ts'
import { claimInProcess } from './in-process.ts'
import { Maintenance } from './maintenance.ts'
import { EmbeddedGroups } from './groups.ts'
import { checkName, checkTopic } from './names.ts'
import { beat, releaseFolder, takeFolder } from './owner.ts'
import { Reader } from './reader.ts'
import { type SealedBatch, sealBatch } from './seal.ts'
import { batchKey, openStore, type Store, type StoredTopic } from './store.ts'
import { type Changes, Writer } from './writer.ts'

export interface EmbeddedLogOptions {
  readonly folder: string
  readonly clock: ClockPort
  /** Read beside the process that writes: no lock, every write is refused. */
  readonly readOnly?: boolean
  /** What a resolved append or commit has survived: the end of this process (`process`), or a power cut too (`disk`). */
  readonly durability?: 'process' | 'disk'
  readonly batchBytesMax?: number
  readonly queuedBytesMax?: number
  /** Pause between rounds of retention and compaction; 0: only when `maintain` is called. */
  readonly maintainEveryMs?: number
  /** How often a waiting fetch of a read-only log looks for something new. */
  readonly pollMs?: number
  readonly tombstonesKeptMs?: number
  readonly crc?: Crc32c
}

const defaults: Omit<Settings, 'folder' | 'clock'> = {
  readOnly: false, durability: 'process', batchBytesMax: 16 << 20, queuedBytesMax: 256 << 20, maintainEveryMs: 30_000, pollMs: 20, tombstonesKeptMs: 86_400_000, crc: crc32c,
}

/**
 * Open the log of one folder. One process at a time writes; any number read beside it.
 *
 * Delivery: a commit is one transaction of the store. Under `process` it survives kill -9 at any moment; a power cut may take the last
 *           moments, whole commits from the end, never a part of one. Under `disk` a resolved promise survives the power cut as well
 * Limits:   a batch at most `batchBytesMax`, appends not yet written at most `queuedBytesMax`; the file grows as needed
 * Errors:   LOG_LOCKED, LOG_FOREIGN, LOG_DAMAGED, LOG_VERSION, LOG_ABSENT
 */
export async function openEmbeddedLog (options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const settings: Settings = { ...defaults, ...options }
  const { folder, readOnly, clock } = settings
  const release = claimInProcess(folder, { readOnly, wallMs: clock.wallMs() })
  let store: Store | null = null
  try {
    store = openStore(folder, settings)
    return new EmbeddedLog(store, readOnly ? null : takeFolder(store, folder, clock.wallMs()), settings, release)
  } catch (error) {
    await store?.env.close()
    release()
    throw error
  }
}

const breatheEveryMs = 5

type Settings = Required<EmbeddedLogOptions>

/** The port of the log over one folder. Made by `openEmbeddedLog`. */
export class EmbeddedLog implements LogPort {
  readonly name = 'embedded'
  readonly store: Store
  readonly groups: EmbeddedGroups
  readonly #settings: Settings
  readonly #token: number | null
  readonly #reader: Reader
  readonly #writer: Writer | null
  readonly #maintenance: Maintenance | null
  readonly #generations = new Map<string, number>()
  readonly #waiters = new Set<() => void>()
  readonly #release: () => void
  #closed = false
  #breathedAt = Number.NEGATIVE_INFINITY

  constructor (store: Store, token: number | null, settings: Settings, release: () => void) {
    this.#release = release
    this.store = store
    this.groups = new EmbeddedGroups(this, settings.clock)
    this.#token = token
    this.#settings = settings
    this.#reader = new Reader(store, settings.crc)
    const { durability, queuedBytesMax } = this.#settings
    this.#writer = token === null ? null : new Writer(store, { token, durability, queuedBytesMax, onWritten: () => { this.#wake() } })
    this.#maintenance = this.#writer && new Maintenance({ store, reader: this.#reader, writer: this.#writer, clock: settings.clock, crc: settings.crc, tombstonesKeptMs: settings.tombstonesKeptMs })
    if (token !== null && settings.maintainEveryMs > 0) this.#maintenance!.start(settings.maintainEveryMs, () => beat(store, token, settings.clock.wallMs()))
  }

  /** Writes beside batches (the registry's) go the same way. Errors: LOG_READ_ONLY, LOG_CLOSED */
  get writer (): Writer {
    if (this.#closed) throw new StreamError('LOG_CLOSED')
    if (this.#writer === null) throw new StreamError('LOG_READ_ONLY')
    return this.#writer
  }

  async createTopic (spec: TopicSpec): Promise<TopicInfo> {
    checkTopic(spec)
    return info(await this.writer.submit(0, changes => made(changes, spec)))
  }

  async deleteTopic (name: string): Promise<void> {
    await this.writer.submit(0, changes => { drop(changes, this.store, name) })
  }

  async topics (): Promise<readonly TopicInfo[]> {
    this.#read()
    return [...this.store.topics.getRange({})].map(({ value }) => info(value))
  }

  async topic (name: string): Promise<TopicInfo | null> {
    this.#read()
    const found = this.store.topics.get(name)
    return found === undefined ? null : info(found)
  }

  async range (topic: string, partition: number): Promise<{ readonly start: number, readonly end: number }> {
    this.#read()
    const { start, end } = this.#reader.bounds(this.#reader.place(topic, partition))
    return { start, end }
  }

  async offsetAt (topic: string, partition: number, timestampMs: number): Promise<number> {
    this.#read()
    return this.#reader.offsetAt(topic, partition, timestampMs)
  }

  async fetch ({ topic, partition, offset, bytesMax, waitMs, signal, into }: FetchRequest): Promise<Fetched> {
    const { clock } = this.#settings
    const until = clock.monotonicMs() + waitMs
    for (;;) {
      if (this.#closed) throw new StreamError('LOG_CLOSED')
      const fetched = this.#reader.read(topic, partition, offset, bytesMax, into)
      const restMs = until - clock.monotonicMs()
      if (fetched.bytes.length > 0 || restMs <= 0 || signal?.aborted) {
        await this.#breathe()
        return fetched
      }
      await this.#change(restMs, signal)
    }
  }

  async append (topic: string, partition: number, bytes: Uint8Array): Promise<{ readonly baseOffset: number }> {
    const { writer } = this
    const sealed = this.#sealed({ topic, partition, bytes })
    return writer.submit(bytes.length, changes => ({ baseOffset: this.#apply(changes, [sealed])[0]! }))
  }

  async trim (topic: string, partition: number, before: number): Promise<void> {
    if (this.#maintenance === null) throw new StreamError('LOG_READ_ONLY')
    this.#read()
    await this.#maintenance.trim(this.#reader.place(topic, partition), before)
  }

  async join ({ group, topics }: JoinRequest): Promise<Membership> {
    checkName('group', group)
    // Through the writer: commits of the member before are written by then, later ones are refused.
    const { assignments, generation } = await this.writer.submit(0, changes => {
      const assignments = topics.flatMap(topic => Array.from({ length: placeIn(changes, topic, 0).partitions }, (_, partition) => ({ topic, partition })))
      const generation = (this.#generations.get(group) ?? 0) + 1
      this.#generations.set(group, generation)
      return { assignments, generation }
    })
    let failure: unknown = null
    const hold: Hold = {
      check: () => {
        if (failure !== null) throw failure
        const now = this.#generations.get(group)
        if (now !== generation) throw new StreamError('LOG_FENCED', { group, generation, now })
      },
      failed: error => { failure ??= error },
    }
    return {
      assignments,
      revoked: [],
      release: async () => {},
      commit: commit => this.#commit(group, commit, hold),
      leave: () => this.writer.submit(0, () => { if (this.#generations.get(group) === generation) this.#generations.set(group, generation + 1) }),
    }
  }

  async committed (group: string, topic: string, partition: number): Promise<Committed | null> {
    this.#read()
    const found = this.store.topics.get(topic)
    return found === undefined ? null : this.store.offsets.get([group, found.number, partition]) ?? null
  }

  async flushed (): Promise<void> {
    this.#read()
    if (this.#writer !== null) await this.store.env.flushed
  }

  /** One round of retention and compaction now. */
  async maintain (): Promise<void> {
    if (this.#maintenance === null) throw new StreamError('LOG_READ_ONLY')
    this.#read()
    await this.#maintenance.round()
  }

  /** Write what was submitted, let go of the folder, close the file. */
  async close (): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#wake()
    await this.#maintenance?.stop()
    await this.#writer?.close()
    if (this.#token !== null) await releaseFolder(this.store, this.#token)
    await this.store.env.close()
    this.#release()
  }

  async #commit (group: string, { appends, offsets }: Commit, { check, failed }: Hold): Promise<void> {
    let sealed: readonly SealedAppend[]
    try {
      sealed = appends.map(append => this.#sealed(append))
    } catch (error) {
      failed(error)
      throw error
    }
    const bytes = sealed.reduce((sum, { batch }) => sum + batch.bytes.length, 0)
    await this.writer.submit(bytes, changes => {
      check()
      const places = offsets.map(({ topic, partition, offset, metadata }) => ({ key: [group, placeIn(changes, topic, partition).number, partition], value: { offset, metadata } }))
      this.#apply(changes, sealed)
      for (const { key, value } of places) changes.write(() => this.store.offsets.put(key, value))
    }, failed)
  }

  /** Check, copy and stamp at the call; the base offset, which no checksum covers, comes when the group is written. */
  #sealed ({ topic, partition, bytes }: Commit['appends'][number]): SealedAppend {
    const { topic: found } = this.#reader.place(topic, partition)
    const { clock, batchBytesMax, crc } = this.#settings
    const stampMs = found.timestamps === 'LogAppendTime' ? clock.wallMs() : null
    return { topic, partition, batch: sealBatch(bytes, { baseOffset: 0, stampMs, batchBytesMax, crc, keyed: found.cleanup === 'compact' }) }
  }

  #apply (changes: Changes, appends: readonly SealedAppend[]): number[] {
    const placed = appends.map(append => ({ ...append, number: placeIn(changes, append.topic, append.partition).number }))
    return placed.map(({ number, partition, batch: { bytes, lastOffset } }) => {
      const held = changes.partition(number, partition)
      new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(0, BigInt(held.end))
      changes.write(() => this.store.batches.put(batchKey(number, partition, held.end), bytes))
      changes.setPartition(number, partition, { ...held, end: held.end + lastOffset + 1, bytes: held.bytes + bytes.length })
      return held.end
    })
  }

  #read (): void {
    if (this.#closed) throw new StreamError('LOG_CLOSED')
    this.store.env.resetReadTxn()
  }

  /** A reader that catches up never waits: now and then it lets the rest of the process have its turn. */
  async #breathe (): Promise<void> {
    const { clock } = this.#settings
    if (clock.monotonicMs() - this.#breathedAt < breatheEveryMs) return
    await new Promise(resolve => { setImmediate(resolve) })
    this.#breathedAt = clock.monotonicMs()
  }

  #wake (): void {
    for (const wake of this.#waiters) wake()
  }

  /** Something was written, here or (read-only) perhaps elsewhere; or the time is up. */
  async #change (ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock, pollMs } = this.#settings
    const over = new AbortController()
    const wake = () => { over.abort() }
    this.#waiters.add(wake)
    signal?.addEventListener('abort', wake, { once: true })
    await clock.sleep(this.#writer ? ms : Math.min(ms, pollMs), over.signal)
    signal?.removeEventListener('abort', wake)
    this.#waiters.delete(wake)
  }
}

/** What a membership still holds: `check` throws when it is over, `failed` ends it. */
interface Hold { readonly check: () => void, readonly failed: (error: unknown) => void }
interface SealedAppend { readonly topic: string, readonly partition: number, readonly batch: SealedBatch }

const info = ({ number, ...topic }: StoredTopic): TopicInfo => topic

function placeIn (changes: Changes, name: string, partition: number): StoredTopic {
  const topic = changes.topic(name)
  if (topic === null || !(partition >= 0 && partition < topic.partitions)) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic: name, partition })
  return topic
}

function made (changes: Changes, spec: TopicSpec): StoredTopic {
  const existing = changes.topic(spec.name)
  for (const setting of ['partitions', 'cleanup', 'timestamps'] as const) {
    if (existing && existing[setting] !== spec[setting]) throw new StreamError('LOG_TOPIC_DIFFERS', { topic: spec.name, setting, is: existing[setting], wanted: spec[setting] })
  }
  const number = existing?.number ?? changes.nextTopicNumber()
  const topic = { ...spec, number, id: existing?.id ?? randomUUID() }
  changes.setTopic(spec.name, topic)
  return topic
}

function drop (changes: Changes, store: Store, name: string): void {
  const topic = changes.topic(name)
  if (topic === null) return
  changes.setTopic(name, null)
  for (let partition = 0; partition < topic.partitions; partition += 1) changes.setPartition(topic.number, partition, null)
  changes.write(() => {
    for (const key of store.batches.getKeys({ start: batchKey(topic.number, 0, 0), end: batchKey(topic.number + 1, 0, 0) })) void store.batches.remove(key)
    for (const key of store.offsets.getKeys({})) if ((key as unknown[])[1] === topic.number) void store.offsets.remove(key)
  })
}
