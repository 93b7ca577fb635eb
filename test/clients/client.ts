/** What a client of Kafka looks like to the behaviours in behaviours.ts. An adapter throws `Cannot` where its client has no way to do a thing. */
export type Bytes = Buffer | null
export type Compression = 'gzip' | 'snappy' | 'lz4' | 'zstd'
export const compressions: readonly Compression[] = ['gzip', 'snappy', 'lz4', 'zstd']
export type HeaderList = readonly (readonly [name: string, value: Bytes])[]

/** `partition` null: the client's own partitioner says which. */
export interface Outgoing { readonly partition: number | null, readonly key: Bytes, readonly value: Bytes, readonly timestamp?: number, readonly headers?: HeaderList }
export interface Incoming { readonly partition: number, readonly offset: number, readonly timestamp: number, readonly key: Bytes, readonly value: Bytes }
export interface Offset { readonly topic: string, readonly partition: number, readonly offset: number, readonly metadata: string }

export interface Client {
  readonly name: string
  readonly version: string
  /** In one call, so that a client which makes batches makes one of them. */
  send (topic: string, records: readonly Outgoing[], compression?: Compression): Promise<void>
  /** A member of a group that reads what is committed, from the group's offsets, else from the beginning. */
  join (topic: string, options: { readonly group: string, readonly instanceId?: string, readonly fetchBytes?: number, /** Where the client can be told to: an offset that is not there is an error. */ readonly strict?: boolean }): Promise<Reader>
  transactional (id: string): Promise<Transactional>
  close (): Promise<void>
}

export interface Reader {
  readonly seen: readonly Incoming[]
  readonly errors: readonly string[]
  /** How often partitions were taken away, and given anew. */
  readonly rebalances: () => number
  readonly partitions: () => readonly number[]
  close (): Promise<void>
}

export interface Transactional {
  begin (): Promise<void>
  send (topic: string, records: readonly Outgoing[]): Promise<void>
  /** As the member that `reader` is or was. */
  offsets (group: string, reader: Reader, offsets: readonly Offset[]): Promise<void>
  commit (): Promise<void>
  abort (): Promise<void>
  /** As a process that dies: what is open stays open. */
  drop (): Promise<void>
}

/** The client has no such function, or refuses the setting by name. */
export class Cannot extends Error {}

export const pause = (ms: number): Promise<void> => new Promise(resolve => { setTimeout(resolve, ms) })

/** Until `done`, or `ms` are over: what counts is what is there then. */
export async function until (done: () => boolean, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; !done() && performance.now() < end;) await pause(20)
  return done()
}
