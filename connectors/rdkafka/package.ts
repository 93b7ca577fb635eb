import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StreamError } from '../../pipelines/core/errors.ts'

export const testedVersion = '3.6.1'

/** What of node-rdkafka is used here: the package is no dependency, so that neither are its types. Callbacks get an error or null first. */
export interface Rdkafka {
  readonly librdkafkaVersion: string
  readonly features: readonly string[]
  readonly KafkaConsumer: new (settings: Conf, topicSettings: Conf) => Consumer
  readonly Producer: new (settings: Conf, topicSettings: Conf) => Producer
}
export type Conf = Readonly<Record<string, unknown>>
export type Callback<T> = (error: RdkafkaError | null, result: T) => void
export interface RdkafkaError extends Error { readonly code: number, readonly isFatal?: boolean, readonly isTxnRequiresAbort?: boolean }
export interface Place { readonly topic: string, readonly partition: number }
export interface Position extends Place { readonly offset: number }
export interface Message extends Position { readonly value: Buffer | null, readonly key?: Buffer | null, readonly timestamp: number, readonly size: number, readonly headers?: readonly Readonly<Record<string, Buffer>>[] }

interface Client {
  connect (options: { readonly timeout: number }, done: Callback<unknown>): void
  isConnected (): boolean
  getMetadata (options: { readonly topic: string, readonly timeout: number }, done: Callback<{ readonly topics: readonly { readonly name: string, readonly partitions: readonly unknown[] }[] }>): void
  on (event: 'event.error', told: (error: RdkafkaError) => void): void
  on (event: 'data', told: (message: Message) => void): void
  on (event: 'partition.eof', told: (end: Position) => void): void
  on (event: 'delivery-report', told: (error: RdkafkaError | null, report: Position & { readonly opaque: unknown }) => void): void
}
export interface Consumer extends Client {
  disconnect (done: Callback<unknown>): void
  queryWatermarkOffsets (topic: string, partition: number, timeoutMs: number, done: Callback<{ readonly lowOffset: number, readonly highOffset: number }>): void
  getWatermarkOffsets (topic: string, partition: number): { readonly highOffset: number }
  offsetsForTimes (places: readonly Position[], timeoutMs: number, done: Callback<readonly Position[]>): void
  committed (places: readonly Place[], timeoutMs: number, done: Callback<readonly (Place & { readonly offset?: number })[]>): void
  setDefaultConsumeTimeout (ms: number): void
  consume (count: number, done: Callback<readonly Message[]>): void
  subscribe (topics: readonly string[]): void
  assign (places: readonly Place[]): void
  unassign (): void
  incrementalAssign (places: readonly Position[]): void
  incrementalUnassign (places: readonly Place[]): void
  pause (places: readonly Place[]): void
  resume (places: readonly Place[]): void
}
export interface Producer extends Client {
  disconnect (flushMs: number, done: Callback<unknown>): void
  setPollInterval (ms: number): void
  produce (topic: string, partition: number, value: Buffer | null, key: Buffer | null, timestamp: number, opaque: unknown, headers: readonly Readonly<Record<string, Buffer>>[]): unknown
  initTransactions (timeoutMs: number, done: Callback<unknown>): void
  beginTransaction (done: Callback<unknown>): void
  commitTransaction (timeoutMs: number, done: Callback<unknown>): void
  abortTransaction (timeoutMs: number, done: Callback<unknown>): void
  sendOffsetsToTransaction (offsets: readonly Position[], consumer: Consumer, timeoutMs: number, done: Callback<unknown>): void
}

/** A call with a callback as a promise. */
export const asked = <T>(ask: (done: Callback<T>) => void): Promise<T> => new Promise((resolve, reject) => { ask((error, result) => { if (error) reject(error); else resolve(result) }) })

/**
 * The package node-rdkafka, an optional peer of this one: from a folder where it was installed aside, from beside this package, or from where the program runs.
 *
 * Errors: KAFKA_CLIENT when it is absent, was not compiled for this Node, or is of another major version
 */
export function loadRdkafka (folder: string | undefined): { readonly rdkafka: Rdkafka, readonly version: string } {
  const todo = `npm install --save-exact node-rdkafka@${testedVersion} (it compiles for two minutes: a C++ compiler, make and Python are needed)`
  let problem: unknown
  for (const from of [...folder === undefined ? [] : [pathToFileURL(join(folder, 'x.js')).href], import.meta.url, pathToFileURL(join(process.cwd(), 'x.js')).href]) {
    const requireFrom = createRequire(from)
    try {
      const version = (requireFrom('node-rdkafka/package.json') as { readonly version: string }).version.replace(/^v/, '')
      if (version.split('.')[0] !== testedVersion.split('.')[0]) throw new StreamError('KAFKA_CLIENT', { client: 'node-rdkafka', version, why: `only ${testedVersion} is known to work`, do: todo })
      return { rdkafka: requireFrom('node-rdkafka') as Rdkafka, version }
    } catch (error) {
      if (error instanceof StreamError) throw error
      if (problem === undefined || (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') problem = error
    }
  }
  const absent = (problem as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND'
  throw new StreamError('KAFKA_CLIENT', { client: 'node-rdkafka', why: absent ? 'the package is not installed' : `it does not load: ${(problem as Error).message.split('\n')[0]}`, do: todo }, { cause: problem })
}
