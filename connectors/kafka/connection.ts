import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { StreamError } from '../../pipelines/core/errors.ts'
import { secureContextOf, type TlsSettings } from './certificates.ts'
import { type Api, readAnswer, writeFrame } from './api.ts'
import { Again, codeName } from './codes.ts'
import { Frames } from './frames.ts'
import { apiVersions, saslAuthenticate, saslHandshake } from './requests.ts'
import { logIn, type SaslSettings } from './sasl.ts'

export interface Address { readonly host: string, readonly port: number }

/** Plain data, so that threads may have it. Units: milliseconds */
export interface ConnectionSettings {
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  /** Given: TLS is spoken. */
  readonly tls?: TlsSettings
  readonly sasl?: SaslSettings
}

const inFlightMax = 64
const waitingMax = 4_096
/** The largest answer is that of a fetch, which is bounded by what it asks for, but for one batch. */
const answerBytesMax = 256 << 20
/** Log in again when this much of a session is over. */
const sessionShare = 0.85

interface Call {
  readonly asked: Api<never, unknown>
  readonly request: unknown
  readonly version: number
  readonly resolve: (answer: never) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/**
 * A connection to a broker: requests go out as they come and are answered in that order.
 *
 * State:  requests without an answer; when the login has to be renewed
 * Limits: 64 requests in flight, 4,096 waiting; an answer of 256 MiB
 * Errors: Again, `indefinite` once a request was sent; KAFKA_VERSION. A late, foreign or damaged answer ends the connection
 */
export class Connection {
  readonly #socket: Socket
  readonly #clientId: string
  readonly #settings: ConnectionSettings
  readonly #where: string
  readonly #sent = new Map<number, Call>()
  #waiting: Call[] = []
  #correlationId = 0
  #versions: ReadonlyMap<number, { readonly minVersion: number, readonly maxVersion: number }> = new Map([[apiVersions.key, { minVersion: apiVersions.min, maxVersion: apiVersions.max }]])
  #renewAtMs = Number.POSITIVE_INFINITY
  #isHeld = false
  #failure: Error | null = null

  private constructor (socket: Socket, address: Address, clientId: string, settings: ConnectionSettings) {
    this.#socket = socket
    this.#clientId = clientId
    this.#settings = settings
    this.#where = `${address.host}:${address.port}`
  }

  /** Connect, agree on versions and log in. Errors: what the socket says, LoginRefused, Again */
  static async open (address: Address, clientId: string, settings: ConnectionSettings): Promise<Connection> {
    let opened: Connection | null = null
    const frames = new Frames(answerBytesMax, frame => { opened!.#received(frame) })
    const guarded = (take: () => void) => { try { take() } catch (error) { opened!.#fail(error as Error) } }
    const socket = dial(address, settings, {
      room: () => frames.room(),
      took: bytes => { guarded(() => { frames.took(bytes) }) },
      push: bytes => { guarded(() => { frames.push(bytes) }) },
    })
    const connection = opened = new Connection(socket, address, clientId, settings)
    const late = setTimeout(() => { connection.#fail(new Error(`no connection within ${settings.connectTimeoutMs} ms`)) }, settings.connectTimeoutMs)
    try {
      await connection.#begin()
      return connection
    } catch (error) {
      connection.#fail(error as Error)
      throw connection.#failure!
    } finally {
      clearTimeout(late)
    }
  }

  get isOpen (): boolean { return this.#failure === null }

  call<Q, A> (asked: Api<Q, A>, request: Q, timeoutMs: number = this.#settings.requestTimeoutMs): Promise<A> {
    if (this.#waiting.length >= waitingMax) return Promise.reject(new Again(`${waitingMax} requests wait for ${this.#where}`, false))
    return this.#call(asked, request, { timeoutMs, send: call => { this.#waiting.push(call); this.#pump() } })
  }

  close (): void { this.#fail(new Error('closed')) }

  async #begin (): Promise<void> {
    const socket = this.#socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 30_000)
    socket.on('error', error => { this.#fail(error) })
    socket.on('end', () => { this.#fail(new Error('the broker ended the connection')) })
    socket.on('close', () => { this.#fail(new Error('the connection is closed')) })
    const answer = await this.#now(apiVersions, {})
    if (answer.errorCode !== 0) throw new StreamError('KAFKA_VERSION', { broker: this.#where, kafka: codeName(answer.errorCode) })
    this.#versions = new Map(answer.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { minVersion, maxVersion }]))
    await this.#logIn()
  }

  async #logIn (): Promise<void> {
    const { sasl } = this.#settings
    if (sasl === undefined) return
    const lifetimeMs = await logIn(sasl, { timeoutMs: this.#settings.connectTimeoutMs, handshake: mechanism => this.#now(saslHandshake, { mechanism }), authenticate: authBytes => this.#now(saslAuthenticate, { authBytes }) })
    this.#renewAtMs = lifetimeMs > 0 ? performance.now() + lifetimeMs * sessionShare : Number.POSITIVE_INFINITY
  }

  /** Ahead of what waits. */
  #now<Q, A> (asked: Api<Q, A>, request: Q): Promise<A> {
    return this.#call(asked, request, { timeoutMs: this.#settings.requestTimeoutMs, send: call => { this.#send(call) } })
  }

  #call<Q, A> (asked: Api<Q, A>, request: Q, { timeoutMs, send }: { readonly timeoutMs: number, readonly send: (call: Call) => void }): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      if (this.#failure !== null) throw this.#unsent()
      const version = this.#versionOf(asked)
      const call: Call = { asked, request, version, resolve, reject, timer: setTimeout(() => { this.#late(call, timeoutMs) }, timeoutMs) }
      send(call)
    })
  }

  #versionOf ({ key, name, min, max }: Api<never, unknown>): number {
    const offered = this.#versions.get(key)
    const version = Math.min(max, offered?.maxVersion ?? -1)
    if (version < min || version < offered!.minVersion) throw new StreamError('KAFKA_VERSION', { broker: this.#where, request: name, wanted: `${min} to ${max}`, offered: offered === undefined ? 'none' : `${offered.minVersion} to ${offered.maxVersion}` })
    return version
  }

  #pump (): void {
    if (!this.#isHeld && this.#waiting.length > 0 && performance.now() >= this.#renewAtMs) this.#renew()
    let taken = 0
    while (!this.#isHeld && this.#failure === null && taken < this.#waiting.length && this.#sent.size < inFlightMax) this.#send(this.#waiting[taken++]!)
    if (taken > 0) this.#waiting = this.#waiting.slice(taken)
  }

  /** Brokers take nothing else while a login is renewed, so the rest is held back. */
  #renew (): void {
    this.#isHeld = true
    this.#logIn().then(() => {
      this.#isHeld = false
      this.#pump()
    }, error => { this.#fail(error as Error) })
  }

  #send (call: Call): void {
    const { asked, version, request } = call
    const correlationId = this.#correlationId
    let pieces: readonly Uint8Array[]
    try {
      pieces = writeFrame(asked as Api<unknown, unknown>, { version, correlationId, clientId: this.#clientId, request })
    } catch (error) {
      this.#settle(call).reject(error as Error)
      return
    }
    this.#correlationId = (correlationId + 1) & 0x7fffffff
    this.#sent.set(correlationId, call)
    this.#socket.cork()
    for (const piece of pieces) this.#socket.write(piece)
    this.#socket.uncork()
  }

  #received (frame: Uint8Array): void {
    const correlationId = new DataView(frame.buffer, frame.byteOffset).getInt32(0)
    const [first] = this.#sent
    if (first === undefined || first[0] !== correlationId) throw new RangeError(`an answer to request ${correlationId}, where ${first === undefined ? 'none' : first[0]} was expected`)
    const call = first[1]
    let answer: unknown
    try {
      answer = readAnswer(call.asked, call.version, frame)
    } catch (cause) {
      throw new RangeError(`an answer to ${call.asked.name} that cannot be read: ${(cause as Error).message}`, { cause })
    }
    this.#sent.delete(correlationId)
    this.#settle(call).resolve(answer as never)
    this.#pump()
  }

  /** What was sent holds up everything behind it. */
  #late (call: Call, timeoutMs: number): void {
    if (this.#waiting.includes(call)) {
      this.#waiting = this.#waiting.filter(other => other !== call)
      call.reject(new Again(`${this.#where} was too busy for ${call.asked.name} for ${timeoutMs} ms`, false))
    } else {
      this.#fail(new Error(`no answer to ${call.asked.name} within ${timeoutMs} ms`))
    }
  }

  #settle (call: Call): Call {
    clearTimeout(call.timer)
    return call
  }

  #fail (cause: Error): void {
    if (this.#failure !== null) return
    this.#failure = cause
    this.#socket.destroy()
    for (const call of this.#sent.values()) this.#settle(call).reject(new Again(`${this.#where} did not answer ${call.asked.name}: ${cause.message}`, true, { cause }))
    for (const call of this.#waiting) this.#settle(call).reject(this.#unsent())
    this.#sent.clear()
    this.#waiting = []
  }

  #unsent (): Again { return new Again(`${this.#where} is not connected: ${this.#failure!.message}`, false, { cause: this.#failure }) }
}

interface Intake { readonly room: () => Uint8Array, readonly took: (bytes: number) => void, readonly push: (bytes: Uint8Array) => void }

/** Names are sent to the server and held against its certificate; addresses are only held against it. */
function dial ({ host, port }: Address, { tls }: ConnectionSettings, { room, took, push }: Intake): Socket {
  if (tls === undefined) return connectPlain({ host, port, onread: { buffer: room, callback: bytes => { took(bytes); return true } } })
  const socket = connectTls({ host, port, secureContext: secureContextOf(tls), rejectUnauthorized: true, ...isIP(host) === 0 && { servername: host }, ...tls.anyName === true && { checkServerIdentity: () => undefined } })
  socket.on('data', push)
  return socket
}
