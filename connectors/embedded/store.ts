import { type Database, open, type RootDatabase } from 'lmdb'
import { mkdirSync } from 'node:fs'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { TopicInfo } from '../../pipelines/core/ports.ts'
import { inspectFolder } from './folder.ts'

const format = { magic: 'millrace-log', version: 1 } as const

/** A topic as stored: `number` is its part of the batch keys. */
export interface StoredTopic extends TopicInfo { readonly number: number }
/** Of a partition: offsets held [start, end), bytes held, and for compaction the offset below which it is clean and the bytes when it was cleaned. */
export interface StoredPartition { readonly start: number, readonly end: number, readonly bytes: number, readonly cleanTo: number, readonly cleanBytes: number }
export const emptyPartition: StoredPartition = { start: 0, end: 0, bytes: 0, cleanTo: 0, cleanBytes: 0 }

type Json<V, K extends (string | number)[] | string = string> = Database<V, K>
/** `lastSize` is the length of what getBinaryFast gave; its buffer is longer, and reused by the next get. */
export type BatchTable = Database<Uint8Array, Uint8Array> & { readonly lastSize: number }

/**
 * The folder as tables of one LMDB environment.
 *
 * Shape: meta 'format'; owner: who may write; topics by name; partitions [topic number, partition]; batches, key = topic number,
 *        partition, base offset (big endian) and value = the record batch; offsets [group, topic number, partition];
 *        schemas ['id', n] | ['text', hash] | ['subject', name, version]
 */
export interface Store {
  readonly env: RootDatabase
  readonly meta: Json<unknown>
  /** Versioned, so that every write can be made to depend on the owner. */
  readonly owner: Database<unknown, string>
  readonly topics: Json<StoredTopic>
  readonly partitions: Json<StoredPartition, number[]>
  readonly batches: BatchTable
  readonly offsets: Json<{ readonly offset: number, readonly metadata: string }, (string | number)[]>
  readonly schemas: Json<string | number, (string | number)[]>
}

/**
 * Open the tables.
 *
 * Errors: LOG_FOREIGN, LOG_DAMAGED, LOG_VERSION, LOG_ABSENT
 */
export function openStore (folder: string, { readOnly }: { readonly readOnly: boolean }): Store {
  const state = inspectFolder(folder)
  if (state === 'new' && readOnly) throw new StreamError('LOG_ABSENT', { folder })
  if (!readOnly) mkdirSync(folder, { recursive: true })
  let env: RootDatabase
  try {
    // Groups are ours (writer.ts): the library's own grouping by event turn would leave a promise of its own to fail unheard on a full disk.
    env = open({ path: folder, maxDbs: 16, readOnly, noSubdir: false, separateFlushed: true, eventTurnBatching: false, encoding: 'json' })
  } catch (cause) {
    throw new StreamError('LOG_DAMAGED', { folder }, { cause })
  }
  try {
    const store = tables(env)
    checkFormat(store, readOnly, folder)
    return store
  } catch (cause) {
    env.close()
    if (cause instanceof StreamError) throw cause
    throw new StreamError(readOnly ? 'LOG_ABSENT' : 'LOG_DAMAGED', { folder }, { cause })
  }
}

function tables (env: RootDatabase): Store {
  const json = (name: string) => env.openDB({ name, encoding: 'json' })
  return {
    env,
    meta: json('meta') as Store['meta'],
    owner: env.openDB({ name: 'owner', encoding: 'json', useVersions: true }) as Store['owner'],
    topics: json('topics') as Store['topics'],
    partitions: json('partitions') as Store['partitions'],
    batches: env.openDB({ name: 'batches', encoding: 'binary', keyEncoding: 'binary' }) as Database<Uint8Array, Uint8Array> as BatchTable,
    offsets: json('offsets') as Store['offsets'],
    schemas: json('schemas') as Store['schemas'],
  }
}

function checkFormat ({ env, meta, topics }: Store, readOnly: boolean, folder: string): void {
  const found = meta.get('format') as Partial<typeof format> | undefined
  if (found === undefined) {
    if (readOnly) throw new StreamError('LOG_ABSENT', { folder })
    if (topics.getCount() > 0) throw new StreamError('LOG_FOREIGN', { folder, why: 'no format record' })
    env.transactionSync(() => { void meta.put('format', format) })
    return
  }
  if (found.magic !== format.magic) throw new StreamError('LOG_FOREIGN', { folder, why: 'another format record' })
  if (found.version !== format.version) throw new StreamError('LOG_VERSION', { folder, found: found.version, reads: format.version })
}

/** Key of the batch that begins at `offset`: byte order is the order of the log. */
export function batchKey (topicNumber: number, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(16)
  key.writeUInt32BE(topicNumber, 0)
  key.writeUInt32BE(partition, 4)
  key.writeBigUInt64BE(BigInt(offset), 8)
  return key
}

export const offsetOfKey = (key: Uint8Array): number => Number(Buffer.from(key.buffer, key.byteOffset, key.byteLength).readBigUInt64BE(8))
