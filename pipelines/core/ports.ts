/**
 * What a log must do. One contract suite in test/contract runs on every implementation.
 *
 * Bytes are Kafka record batches (v2) everywhere, so decode is the same code. Offsets are numbers (2^53 records).
 */
export interface LogPort {
  readonly name: string
  createTopic (spec: TopicSpec): Promise<TopicInfo>
  topics (): Promise<readonly TopicInfo[]>
  topic (name: string): Promise<TopicInfo | null>
  /** First offset still held and the next one to be written. */
  range (topic: string, partition: number): Promise<{ readonly start: number, readonly end: number }>
  /** The first offset whose timestamp is at or past `timestampMs`; `end` when there is none. */
  offsetAt (topic: string, partition: number, timestampMs: number): Promise<number>
  /**
   * Committed record batches from `offset` on, contiguous; the first may begin before `offset`. Waits up to `waitMs` for something new.
   * Errors: LOG_OUT_OF_RANGE
   */
  fetch (request: FetchRequest): Promise<Fetched>
  /** Append one record batch (base offset ignored) outside any transaction. */
  append (topic: string, partition: number, bytes: Uint8Array): Promise<{ readonly baseOffset: number }>
  /** Take the lead of partitions as a member of a group; earlier leaders are fenced. */
  join (request: JoinRequest): Promise<Membership>
  committed (group: string, topic: string, partition: number): Promise<Committed | null>
  close (): Promise<void>
}

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly cleanup: 'delete' | 'compact'
  /** Null: kept for ever. */
  readonly retentionMs: number | null
  readonly retentionBytes?: number | null
  /** With LogAppendTime the log stamps arrival; with CreateTime a record's own timestamp is its arrival. */
  readonly timestamps: 'LogAppendTime' | 'CreateTime'
}
/** `id` differs when a topic of the same name was made anew. */
export interface TopicInfo extends TopicSpec { readonly id: string }

export interface FetchRequest { readonly topic: string, readonly partition: number, readonly offset: number, readonly bytesMax: number, readonly waitMs: number, readonly signal?: AbortSignal }
/** `end` is the log's end at the time of the answer. `bytes` is empty when there is nothing at or past `offset`. */
export interface Fetched { readonly bytes: Uint8Array, readonly end: number }

export interface JoinRequest { readonly group: string, readonly member: string, readonly topics: readonly string[] }
export interface Assignment { readonly topic: string, readonly partition: number }
export interface Membership {
  readonly assignments: readonly Assignment[]
  /**
   * Outputs, offsets and state in one atomic step: all of it is readable afterwards, or none.
   * Errors: LOG_FENCED when another member took over
   */
  commit (commit: Commit): Promise<void>
  leave (): Promise<void>
}
export interface Commit {
  readonly appends: readonly { readonly topic: string, readonly partition: number, readonly bytes: Uint8Array }[]
  readonly offsets: readonly (Committed & { readonly topic: string, readonly partition: number })[]
}
/** `offset` is the next record to process; `metadata` is ours (journal number, output number, definition hash). */
export interface Committed { readonly offset: number, readonly metadata: string }

/** Wall and monotonic time in milliseconds; the only clock there is. */
export interface ClockPort {
  wallMs (): number
  monotonicMs (): number
  sleep (ms: number, signal?: AbortSignal): Promise<void>
}

/** Schemas by id and by subject, as a Confluent-compatible registry has them. */
export interface RegistryPort {
  /** Null: the registry answers, and does not know the id. Errors: REGISTRY_UNAVAILABLE */
  byId (id: number): Promise<string | null>
  register (subject: string, avro: string): Promise<number>
  latest (subject: string): Promise<{ readonly id: number, readonly version: number, readonly schema: string } | null>
  version (subject: string, version: number): Promise<{ readonly id: number, readonly schema: string } | null>
  subjects (): Promise<readonly string[]>
}
