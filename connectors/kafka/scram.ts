import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)
const iterationsMin = 4_096
/** About a second. Above, a server that is not what it says could keep us busy. */
const iterationsMax = 1_000_000

/** What a client says, in turn with what it hears. It ends when all is said; it throws when the other side must not be believed. */
export type Conversation = AsyncGenerator<Uint8Array, void, Uint8Array>
export interface User { readonly username: string, readonly password: string }

/**
 * Prove the password without saying it, and let the server prove that it knows it.
 *
 * Errors: Error when the server's answer is not one, asks for too few or too many iterations, or its signature is wrong
 * Source: RFC 5802, RFC 7677; passwords as UTF-8 without further preparation, as Kafka takes them
 */
export async function * scram (hash: 'sha256' | 'sha512', { username, password }: User, nonce = randomBytes(24).toString('base64url')): Conversation {
  const first = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  const serverFirst = Buffer.from(yield Buffer.from(`n,,${first}`)).toString('utf8')
  const [, serverNonce, salt, count] = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=(\d{1,9})(?:,|$)/.exec(serverFirst) ?? refuse('its first message is not SCRAM')
  if (!serverNonce!.startsWith(nonce) || serverNonce === nonce) refuse('its nonce is not a continuation of ours')
  const iterations = Number(count)
  if (iterations < iterationsMin || iterations > iterationsMax) refuse(`${iterations} iterations, where ${iterationsMin} to ${iterationsMax} are taken`)
  const length = hash === 'sha256' ? 32 : 64
  const hmac = (key: Uint8Array, text: string) => createHmac(hash, key).update(text).digest()
  const salted = await derive(password, Buffer.from(salt!, 'base64'), iterations, length, hash)
  const clientKey = hmac(salted, 'Client Key')
  const withoutProof = `c=biws,r=${serverNonce}`
  const said = `${first},${serverFirst},${withoutProof}`
  const signature = hmac(createHash(hash).update(clientKey).digest(), said)
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!)).toString('base64')
  const serverFinal = Buffer.from(yield Buffer.from(`${withoutProof},p=${proof}`)).toString('utf8')
  const [, error, verifier] = /^(?:e=([^,]*)|v=([A-Za-z0-9+/]+={0,2}))(?:,|$)/.exec(serverFinal) ?? refuse('its last message is not SCRAM')
  if (error !== undefined) refuse(error)
  const [is, should] = [Buffer.from(verifier!, 'base64'), hmac(hmac(salted, 'Server Key'), said)]
  if (is.length !== should.length || !timingSafeEqual(is, should)) refuse('its signature is wrong: it does not know the password')
}

function refuse (why: string): never { throw new Error(`the broker's side of SCRAM: ${why}`) }
