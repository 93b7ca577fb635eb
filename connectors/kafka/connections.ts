import { isIP } from 'node:net'
import { type API, Connection, type ConnectionOptions, ResponseError } from '@platformatic/kafka'
import { StreamError } from '../../pipelines/core/errors.ts'
import { Again } from './codes.ts'

export interface Address { readonly host: string, readonly port: number }

/**
 * A broker answers the requests of one connection one after another, so what may wait at the broker has a connection of its own: waiting fetches,
 * joining a group. Heartbeats wait behind nothing.
 */
export type Lane = 'control' | 'fetch' | `wait ${number}` | 'produce' | 'transaction' | `join ${string}` | 'heartbeat'

/** The network as the connector uses it: one request, one answer, error codes included. A test may put brokers of its own behind it. */
export interface Wire {
  /** Errors: Again for what has to do with the network; KAFKA_DENIED, LOG_CLOSED */
  call<A extends unknown[], R> (address: Address, lane: Lane, api: API<A, R>, ...args: A): Promise<R>
  close (): Promise<void>
}

export interface ConnectionsOptions { readonly clientId: string, readonly connection: ConnectionOptions, /** Longer than any JoinGroup takes. */ readonly joinTimeoutMs: number }

/**
 * Connections by address and lane, opened when first needed, and anew after they broke.
 *
 * Limits: one connection per broker and lane
 * Errors: Again for what has to do with the network; KAFKA_DENIED for refused logins and certificates
 */
export class Connections implements Wire {
  readonly #options: ConnectionsOptions
  readonly #open = new Map<string, Promise<Connection>>()
  #closed = false

  constructor (options: ConnectionsOptions) { this.#options = options }

  /** Send a request and give its answer, error codes included. */
  async call<A extends unknown[], R> (address: Address, lane: Lane, api: API<A, R>, ...args: A): Promise<R> {
    const connection = await this.#connection(address, lane)
    try {
      return await api.async(connection, ...args)
    } catch (error) {
      // The toolkit throws answers that hold an error code; what the code means is decided by whoever asked.
      if (error instanceof ResponseError) return (error as unknown as { readonly response: R }).response
      if (this.#closed) throw new StreamError('LOG_CLOSED')
      throw new Again(`${address.host}:${address.port} did not answer`, true, { cause: error })
    }
  }

  async close (): Promise<void> {
    this.#closed = true
    const open = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(open.map(async connecting => {
      const connection = await connecting.catch(() => null)
      await connection?.close().catch(() => {})
    }))
  }

  async #connection (address: Address, lane: Lane): Promise<Connection> {
    if (this.#closed) throw new StreamError('LOG_CLOSED')
    const name = `${address.host}:${address.port} ${lane}`
    const held = this.#open.get(name)
    const connected = held && await held.catch(() => null)
    if (connected?.isConnected()) return connected
    if (this.#open.get(name) !== held) return this.#connection(address, lane)
    const connecting = this.#connect(address, lane)
    this.#open.set(name, connecting)
    connecting.catch(() => {})
    return connecting
  }

  async #connect ({ host, port }: Address, lane: Lane): Promise<Connection> {
    const { clientId, connection: options, joinTimeoutMs } = this.#options
    const connection = new Connection(clientId, { maxInflights: 64, ...options, ...options.tls !== undefined && isIP(host) === 0 && { tlsServerName: true }, ...lane.startsWith('join') && { requestTimeout: joinTimeoutMs } })
    connection.on('error', () => {})
    try {
      await connection.connect(host, port)
      return connection
    } catch (cause) {
      void connection.close().catch(() => {})
      throw denied({ host, port }, cause) ?? new Again(`${host}:${port} cannot be reached: ${rootOf(cause).message}`, false, { cause })
    }
  }
}

function rootOf (error: unknown): Error & { readonly code?: string } {
  let root = error as Error & { readonly code?: string }
  while (root.cause instanceof Error) root = root.cause
  return root
}

/** Logins and certificates do not get better by trying again. */
function denied ({ host, port }: Address, error: unknown): StreamError | null {
  const reasons: Error[] = []
  for (let at: unknown = error; at instanceof Error; at = at.cause) reasons.push(at)
  const login = reasons.find(({ constructor: { name } }) => name === 'AuthenticationError')
  const tls = reasons.find(reason => /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO)/.test((reason as { readonly code?: string }).code ?? '') || /TLS/.test(reason.message))
  const reason = login ?? tls
  if (reason === undefined) return null
  return new StreamError('KAFKA_DENIED', { broker: `${host}:${port}`, why: `${reason.message} ${rootOf(error) === reason ? '' : rootOf(error).message}`.trim() }, { cause: error })
}
