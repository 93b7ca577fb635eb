import { readFileSync } from 'node:fs'
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { rootCertificates } from 'node:tls'
import { LoginRefused } from './codes.ts'

/** Where a token comes from; plain data. A file is read again each time: who puts tokens there keeps them fresh. */
export type TokenSource =
  | { readonly kind: 'given', readonly token: string }
  | { readonly kind: 'file', readonly file: string }
  | { readonly kind: 'endpoint', readonly url: string, readonly clientId: string, readonly clientSecret: string, readonly scope: string | null, /** Beside those that Node trusts. */ readonly ca: string | null }

const answerBytesMax = 1 << 16
/** A token is used for this much of its life. */
const lifeShare = 0.8

const held = new WeakMap<TokenSource, { readonly token: string, readonly untilMs: number }>()

/**
 * A token that is good now.
 *
 * State:  an endpoint's token, as long as it says, for all connections
 * Errors: LoginRefused when the endpoint refuses the client; Error when it or the file cannot be read; never with a secret in it
 * Source: RFC 6749, section 4.4
 */
export async function tokenOf (source: TokenSource, timeoutMs: number): Promise<string> {
  if (source.kind === 'given') return source.token
  if (source.kind === 'file') return readFileSync(source.file, 'utf8').trim()
  const old = held.get(source)
  if (old !== undefined && performance.now() < old.untilMs) return old.token
  const askedMs = performance.now()
  const { status, text } = await post(source, timeoutMs)
  const { host } = new URL(source.url)
  if (status >= 400 && status < 500) throw new LoginRefused(`the token endpoint ${host} refuses the client: status ${status}`)
  if (status !== 200) throw new Error(`the token endpoint ${host} answers with status ${status}`)
  const { access_token: token, expires_in: seconds } = parsed(text)
  if (typeof token !== 'string' || token === '') throw new Error(`the token endpoint ${host} answers without an access_token`)
  held.set(source, { token, untilMs: askedMs + (Number(seconds) > 0 ? Number(seconds) : 0) * 1_000 * lifeShare })
  return token
}

function parsed (text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}

function post ({ url, clientId, clientSecret, scope, ca }: Extract<TokenSource, { readonly kind: 'endpoint' }>, timeoutMs: number): Promise<{ readonly status: number, readonly text: string }> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...scope !== null && { scope } }).toString()
  const headers = { 'authorization': `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`, 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body), 'accept': 'application/json' }
  const options = { method: 'POST', headers, signal: AbortSignal.timeout(timeoutMs) }
  return new Promise((resolve, reject) => {
    const asked = url.startsWith('https:') ? requestTls(url, { ...options, ...ca !== null && { ca: [...rootCertificates, ca] } }) : requestPlain(url, options)
    asked.on('error', cause => { reject(new Error(`the token endpoint ${new URL(url).host} cannot be reached: ${cause.message}`, { cause })) })
    asked.on('response', answer => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
        if (text.length > answerBytesMax) asked.destroy(new Error(`more than ${answerBytesMax} bytes`))
      })
      answer.on('end', () => { resolve({ status: answer.statusCode ?? 0, text }) })
    })
    asked.end(body)
  })
}
