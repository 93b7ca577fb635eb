import { createRequire } from 'node:module'
import type { Client, Host } from 'cassandra-driver'

/** The part of the driver that it does not show. A test in test/integration holds it to what is used of it here: look at both when the driver changes. */
interface Hidden {
  readonly handler: { send (request: Request, options: ExecutionOptions, client: Client): Promise<unknown> }
  readonly prepare: { getPrepared (client: Client, policy: unknown, query: string, keyspace: string | undefined): Promise<{ readonly queryId: Uint8Array }> }
  readonly options: { readonly DefaultExecutionOptions: { create (options: object, client: Client): ExecutionOptions } }
}
interface ExecutionOptions { getLoadBalancingPolicy (): unknown }

/** As the driver asks it: `write` gives a whole frame for one connection, and may be called again for another. */
interface Request { readonly queries: readonly never[], readonly length: number, write (encoder: unknown, streamId: number): Uint8Array, clone (): Request }

const require = createRequire(import.meta.url)
const hidden: Hidden = {
  handler: require('cassandra-driver/lib/request-handler.js'),
  prepare: require('cassandra-driver/lib/prepare-handler.js'),
  options: require('cassandra-driver/lib/execution-options.js'),
}

/** Of a frame: version, flags, stream, opcode, length. */
export const frameHeaderBytes = 9
const noQueries: readonly never[] = []

/** The id of a statement, for frames. The driver prepares it anew where a node does not know it. */
export async function prepared (client: Client, query: string): Promise<Uint8Array> {
  const policy = hidden.options.DefaultExecutionOptions.create({}, client).getLoadBalancingPolicy()
  return (await hidden.prepare.getPrepared(client, policy, query, client.keyspace)).queryId
}

/**
 * Send a frame that is encoded already, by the driver's connections and to a replica of `routingKey`. With the driver's own encoding a row of ten values
 * takes five times as long on this side (bench/cassandra.ts).
 *
 * Delivery: sent again to another node when one hangs up; settled once no connection has the frame any more
 * Errors:   the driver's
 */
export async function sendFrame (client: Client, frame: Uint8Array, { keyspace, routingKey, consistency }: { readonly keyspace: string, readonly routingKey: Uint8Array, readonly consistency: number }): Promise<void> {
  const options = hidden.options.DefaultExecutionOptions.create({ keyspace, consistency, routingKey, isIdempotent: true, captureStackTrace: false }, client)
  await hidden.handler.send(new FrameRequest(frame), options, client)
}

/**
 * End what the driver does for a node. It does so itself for those it knows at its end; of one that it has taken from its list before (of a node that was
 * started again it makes a new one) it would go on to look for the node, for ever.
 */
export async function shutHost (host: Host): Promise<void> {
  await (host as Host & { shutdown (waitForPending: boolean): Promise<void> }).shutdown(false)
}

class FrameRequest implements Request {
  readonly queries = noQueries
  readonly length: number
  readonly #frame: Uint8Array

  constructor (frame: Uint8Array) {
    this.#frame = frame
    this.length = frame.length - frameHeaderBytes
  }

  /** The driver copies what it is given before it asks again. */
  write (_: unknown, streamId: number): Uint8Array {
    this.#frame[2] = streamId >> 8
    this.#frame[3] = streamId & 0xff
    return this.#frame
  }

  clone (): this { return this }
}
