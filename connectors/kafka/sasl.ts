import { codeName, LoginRefused } from './codes.ts'
import { type Conversation, scram, type User } from './scram.ts'
import { type TokenSource, tokenOf } from './token.ts'

export type SaslSettings =
  | { readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' } & User
  | { readonly mechanism: 'OAUTHBEARER', readonly source: TokenSource, readonly extensions: Readonly<Record<string, string>> }

/** How the two requests are sent, and how long anything may take. */
export interface SaslExchange {
  readonly timeoutMs: number
  handshake (mechanism: string): Promise<{ readonly errorCode: number, readonly mechanisms: readonly string[] }>
  authenticate (authBytes: Uint8Array): Promise<{ readonly errorCode: number, readonly errorMessage: string | null, readonly authBytes: Uint8Array, readonly sessionLifetimeMs: number }>
}

/**
 * Log a connection in, at its beginning or again before its session ends (KIP-368).
 *
 * Units:  gives the session's lifetime in milliseconds; 0: for ever
 * Errors: LoginRefused, never with a secret in it; what fetching a token throws
 */
export async function logIn (settings: SaslSettings, exchange: SaslExchange): Promise<number> {
  const { mechanism } = settings
  const { errorCode, mechanisms } = await exchange.handshake(mechanism)
  if (errorCode !== 0) throw new LoginRefused(`sasl.mechanism ${mechanism} is refused (${codeName(errorCode)}), ${mechanisms.length === 0 ? 'and no other offered' : `${mechanisms.join(', ')} would do`}`)
  const conversation = await converse(settings, exchange.timeoutMs)
  let lifetimeMs = 0
  for (let heard: Uint8Array = new Uint8Array(0); ;) {
    const { done, value } = await next(conversation, heard)
    if (done) return lifetimeMs
    const answer = await exchange.authenticate(value)
    if (answer.errorCode !== 0) throw new LoginRefused(`${codeName(answer.errorCode)}: ${answer.errorMessage ?? mechanism}`)
    heard = answer.authBytes
    lifetimeMs = answer.sessionLifetimeMs
  }
}

async function next (conversation: Conversation, heard: Uint8Array): Promise<IteratorResult<Uint8Array, void>> {
  try {
    return await conversation.next(heard)
  } catch (cause) {
    throw new LoginRefused((cause as Error).message, { cause })
  }
}

async function converse (settings: SaslSettings, timeoutMs: number): Promise<Conversation> {
  switch (settings.mechanism) {
    case 'PLAIN': return plain(settings)
    case 'SCRAM-SHA-256': return scram('sha256', settings)
    case 'SCRAM-SHA-512': return scram('sha512', settings)
    case 'OAUTHBEARER': return bearer(await tokenOf(settings.source, timeoutMs), settings.extensions)
  }
}

/** Source: RFC 4616 */
async function * plain ({ username, password }: User): Conversation {
  yield Buffer.from(`\0${username}\0${password}`)
}

/** Source: RFC 7628; a refused token is answered with the reason, and the client has to acknowledge it */
async function * bearer (token: string, extensions: Readonly<Record<string, string>>): Conversation {
  const pairs = Object.entries({ auth: `Bearer ${token}`, ...extensions })
  const reason = yield Buffer.from(`n,,\u0001${pairs.map(([name, value]) => `${name}=${value}\u0001`).join('')}\u0001`)
  if (reason.length === 0) return
  yield Uint8Array.of(1)
  throw new Error(`the token is refused: ${Buffer.from(reason).toString('utf8').slice(0, 200)}`)
}
