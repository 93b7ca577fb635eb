import type { SubjectStrategy } from '../../schemas/subject.ts'

/**
 * What a log must do. One contract suite in test/contract runs on every implementation.
 *
 * Bytes are Kafka record batches (v2) everywhere, so decode is the same code. Offsets are numbers (2^53 records).
 */
export interface LogPort {
  readonly name: string
  /**
   * Make a topic. One of the same name, partitions, cleanup and timestamps is kept, and takes over the retention given.
   * Errors: LOG_TOPIC_DIFFERS, LOG_NAME
   */
  createTopic (spec: TopicSpec): Promise<TopicInfo>
  /** Delete a topic, its records and the offsets committed for it; nothing happens when there is none. */
  deleteTopic (name: string): Promise<void>
  topics (): Promise<readonly TopicInfo[]>
  topic (name: string): Promise<TopicInfo | null>
  /**
   * First offset still held and the next one to be written. Commits of others may show some moments after they were acknowledged; with `settled`,
   * everything written before the call is in it, as soon as it is known whether it was committed.
   * Errors: LOG_TOPIC_UNKNOWN
   */
  range (topic: string, partition: number, options?: { readonly settled?: boolean }): Promise<{ readonly start: number, readonly end: number }>
  /** The first offset whose timestamp is at or past `timestampMs`; `end` when there is none. */
  offsetAt (topic: string, partition: number, timestampMs: number): Promise<number>
  /**
   * Committed record batches from `offset` on, contiguous; the first may begin before `offset`. Waits up to `waitMs` for something new;
   * an aborted `signal` ends the wait with what is there. The bytes belong to the caller; those given `into` last until it is given again.
   * Errors: LOG_OUT_OF_RANGE, LOG_TOPIC_UNKNOWN, LOG_CORRUPT
   */
  fetch (request: FetchRequest): Promise<Fetched>
  /**
   * Append one record batch (base offset ignored) outside any transaction. The bytes may be reused once the call has returned its promise.
   * Errors: LOG_BATCH_REFUSED, LOG_TOPIC_UNKNOWN
   */
  append (topic: string, partition: number, bytes: Uint8Array): Promise<{ readonly baseOffset: number }>
  /** Delete whole batches that lie before `before`: `range().start` moves to it at most, never past it. */
  trim (topic: string, partition: number, before: number): Promise<void>
  /** Take the lead of partitions as a member of a group; earlier leaders are fenced. */
  join (request: JoinRequest): Promise<Membership>
  committed (group: string, topic: string, partition: number): Promise<Committed | null>
  /** Resolves once all that was acknowledged so far survives a power cut; absent where acknowledging says so already. */
  flushed?(): Promise<void>
  /** Groups as somebody outside sees them; absent where a client cannot say. */
  readonly groups?: GroupsPort
  close (): Promise<void>
}

export interface GroupsPort {
  /** Who is in the group now. Nobody: it is empty, or there is none of the name. */
  members (group: string): Promise<readonly GroupMember[]>
  /** What the group has committed at this moment; transactions under way are not waited for. */
  positions (group: string): Promise<readonly (Committed & Assignment & { /** Who committed it, where that is known. */ readonly member: string | null })[]>
  /** Forget the group and what it has committed. Errors: LOG_GROUP_BUSY while somebody is in it */
  delete (group: string): Promise<void>
}
/** `assignments` null: everything. */
export interface GroupMember { readonly name: string, readonly host: string, readonly assignments: readonly Assignment[] | null }

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

export interface FetchRequest { readonly topic: string, readonly partition: number, readonly offset: number, readonly bytesMax: number, readonly waitMs: number, readonly signal?: AbortSignal, /** Where to put the bytes if they fit: a loop that fetches need not allocate. */ readonly into?: Uint8Array }
/** `end` is the log's end at the time of the answer. `bytes` is empty when there is nothing at or past `offset`. */
export interface Fetched { readonly bytes: Uint8Array, readonly end: number }

export interface JoinRequest { readonly group: string, readonly member: string, readonly topics: readonly string[] }
export interface Assignment { readonly topic: string, readonly partition: number }
/**
 * A member's part in a group, which may change while it runs: `assignments` grows by itself, and what the group wants back stands in `revoked` until the
 * member has let it go. In between nobody else has it, so what is under way is finished in peace. Either is another array once it has changed.
 */
export interface Membership {
  /** What this member may read and commit now, what is `revoked` included. */
  readonly assignments: readonly Assignment[]
  /** What it is to let go: commit what is processed, then `release`. Empty where members do not share. */
  readonly revoked: readonly Assignment[]
  /** Why this member may commit nothing any more, when it is told without asking: LOG_FENCED, LOG_REBALANCED, or what a commit failed with. */
  readonly over?: Error | null
  /** Nothing of `revoked` is held any more. Resolves once `assignments` says what is left, or more. */
  release (): Promise<void>
  /**
   * Outputs, offsets and state in one atomic step: all of it is readable afterwards, or none. Commits of a member apply in the order
   * of the calls; the bytes may be reused once the call has returned its promise. Once a commit has failed, every one behind it fails with the
   * same error, also those already under way: positions never pass outputs that were lost. Join again to go on.
   * Errors: LOG_FENCED when another member took over; LOG_REBALANCED when the share was lost instead of asked back
   */
  commit (commit: Commit): Promise<void>
  /**
   * Write a part of the next commit that `continues`, in the order of the calls: who reads what is not committed sees it at once. Absent where there is
   * nothing to read before a commit. Errors: those of a commit, which then fails too
   */
  ahead? (appends: Commit['appends']): Promise<void>
  leave (): Promise<void>
}
export interface Commit {
  /** What was written ahead belongs to this commit. */
  readonly continues?: boolean
  readonly appends: readonly { readonly topic: string, readonly partition: number, readonly bytes: Uint8Array }[]
  readonly offsets: readonly (Committed & { readonly topic: string, readonly partition: number })[]
}
/** `offset` is the next record to process; `metadata` is ours (journal number, output number, definition hash). */
export interface Committed { readonly offset: number, readonly metadata: string }

/** Wall and monotonic time in milliseconds; the only clock there is. */
export interface ClockPort {
  wallMs (): number
  monotonicMs (): number
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep (ms: number, signal?: AbortSignal): Promise<void>
  /** Lets the rest of the process have its turn; absent where time stands still until it is moved. */
  breathe?(): Promise<void>
}

/** Schemas by id and by subject, as a Confluent-compatible registry has them. */
export interface RegistryPort {
  /** Avro JSON that stands by itself. Null: the registry answers, and does not know the id. Errors: REGISTRY_UNAVAILABLE, REGISTRY_UNSUPPORTED */
  byId (id: number): Promise<string | null>
  /** The same by the schema's GUID, in lower case with hyphens. */
  byGuid (guid: string): Promise<string | null>
  /** Errors: REGISTRY_INCOMPATIBLE, REGISTRY_SCHEMA */
  register (subject: string, avro: string): Promise<number>
  /** Why registering it would be refused, in words; empty when it would not. */
  conflicts (subject: string, avro: string): Promise<readonly string[]>
  /** How subjects that nobody names get their names; absent: from the topic. */
  readonly strategy?: SubjectStrategy
  latest (subject: string): Promise<{ readonly id: number, readonly version: number, readonly schema: string } | null>
  version (subject: string, version: number): Promise<{ readonly id: number, readonly schema: string } | null>
  subjects (): Promise<readonly string[]>
}
