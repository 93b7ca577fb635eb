import { StreamError } from '../../pipelines/core/errors.ts'
import type { Api } from './api.ts'
import { Again, LoginRefused } from './codes.ts'
import { type Address, Connection, type ConnectionSettings } from './connection.ts'

/**
 * A broker answers the requests of one connection one after another, so what may wait at the broker has a connection of its own: waiting fetches,
 * joining a group. Heartbeats wait behind nothing.
 */
export type Lane = 'control' | 'fetch' | `wait ${number}` | 'produce' | 'transaction' | `join ${string}` | 'heartbeat'

/** The network as the connector uses it: one request, one answer, error codes included. A test may put brokers of its own behind it. */
export interface Wire {
  /** Errors: Again for what has to do with the network; KAFKA_DENIED, KAFKA_VERSION, LOG_CLOSED */
  call<Q, A> (address: Address, lane: Lane, asked: Api<Q, A>, request: Q): Promise<A>
  close (): Promise<void>
}

export interface ConnectionsOptions { readonly clientId: string, readonly connection: ConnectionSettings, /** Longer than any JoinGroup takes. */ readonly joinTimeoutMs: number }

/**
 * Connections by address and lane, opened when first needed, and anew after they broke.
 *
 * Limits: one connection per broker and lane
 * Errors: Again for what has to do with the network; KAFKA_DENIED for refused logins and certificates; KAFKA_VERSION
 */
export class Connections implements Wire {
  readonly #options: ConnectionsOptions
  readonly #open = new Map<string, Promise<Connection>>()
  #isClosed = false

  constructor (options: ConnectionsOptions) { this.#options = options }

  /** Send a request and give its answer, error codes included. */
  async call<Q, A> (address: Address, lane: Lane, asked: Api<Q, A>, request: Q): Promise<A> {
    const connection = await this.#connection(address, lane)
    try {
      return await connection.call(asked, request)
    } catch (error) {
      if (this.#isClosed) throw new StreamError('LOG_CLOSED')
      throw denied(address, error) ?? error
    }
  }

  async close (): Promise<void> {
    this.#isClosed = true
    const open = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(open.map(async connecting => { (await connecting.catch(() => null))?.close() }))
  }

  async #connection (address: Address, lane: Lane): Promise<Connection> {
    if (this.#isClosed) throw new StreamError('LOG_CLOSED')
    const name = `${address.host}:${address.port} ${lane}`
    const held = this.#open.get(name)
    const connected = held && await held.catch(() => null)
    if (connected?.isOpen) return connected
    if (this.#open.get(name) !== held) return this.#connection(address, lane)
    const connecting = this.#connect(address, lane)
    this.#open.set(name, connecting)
    connecting.catch(() => {})
    return connecting
  }

  async #connect (address: Address, lane: Lane): Promise<Connection> {
    const { clientId, connection, joinTimeoutMs } = this.#options
    try {
      return await Connection.open(address, clientId, lane.startsWith('join') ? { ...connection, requestTimeoutMs: joinTimeoutMs } : connection)
    } catch (error) {
      if (this.#isClosed) throw new StreamError('LOG_CLOSED')
      if (error instanceof StreamError) throw error
      throw denied(address, error) ?? new Again(`${address.host}:${address.port} cannot be reached: ${(error as Error).message}`, false, { cause: error })
    }
  }
}

/** Logins and certificates do not get better by trying again. But nobody knows what became of a request that was sent. */
function denied ({ host, port }: Address, error: unknown): StreamError | null {
  if (error instanceof StreamError || (error instanceof Again && error.indefinite)) return null
  const reason = reasons(error).find(reason => reason instanceof LoginRefused || /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO)/.test((reason as NodeJS.ErrnoException).code ?? '') || reason.message.startsWith('TLS, not'))
  return reason === undefined ? null : new StreamError('KAFKA_DENIED', { broker: `${host}:${port}`, why: reason.message }, { cause: error })
}

function reasons (error: unknown): readonly Error[] {
  return error instanceof Error ? [error, ...reasons(error.cause)] : []
}
