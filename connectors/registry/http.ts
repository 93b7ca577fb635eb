import { Agent as PlainAgent, request as requestPlain } from 'node:http'
import { Agent as SecureAgent, request as requestSecure } from 'node:https'
import type { RegistryConfig } from './config.ts'

export interface Answer { readonly status: number, readonly body: unknown }
export type Send = (method: 'GET' | 'POST', url: URL, body: object | null) => Promise<Answer>

const contentType = 'application/vnd.schemaregistry.v1+json'
const answerBytesMax = 16 << 20

/**
 * One request, one answer; rejects when there is none in time.
 *
 * Shape:  `body` of the answer is its JSON, or null when it is not JSON
 * Limits: an answer of 16 MB
 */
export function sender ({ user, tls, timeoutMs }: Pick<RegistryConfig, 'user' | 'tls' | 'timeoutMs'>): Send {
  const agents = { 'http:': new PlainAgent({ keepAlive: true, maxSockets: 8 }), 'https:': new SecureAgent({ keepAlive: true, maxSockets: 8, ...secured(tls) }) }
  const headers = { accept: `${contentType}, application/json`, ...user === null ? {} : { authorization: `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}` } }
  return (method, url, body) => new Promise((resolve, reject) => {
    const text = body === null ? null : JSON.stringify(body)
    const agent = agents[url.protocol as 'http:' | 'https:']
    const more = text === null ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }
    const request = (url.protocol === 'https:' ? requestSecure : requestPlain)(url, { method, agent, headers: { ...headers, ...more } })
    const timer = setTimeout(() => { request.destroy(new Error(`no answer within ${timeoutMs} ms`)) }, timeoutMs)
    const fail = (error: Error) => { clearTimeout(timer); reject(error) }
    request.on('error', fail).on('response', response => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('error', fail).on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > answerBytesMax) request.destroy(new Error(`an answer of more than ${answerBytesMax} bytes`))
        chunks.push(chunk)
      }).on('end', () => {
        clearTimeout(timer)
        resolve({ status: response.statusCode!, body: json(Buffer.concat(chunks).toString('utf8')) })
      }).on('aborted', () => { fail(new Error('the answer was cut short')) })
    }).end(text ?? undefined)
  })
}

function secured ({ ca, cert, key, passphrase, isNamed }: RegistryConfig['tls']) {
  return { ...ca !== null && { ca }, ...cert !== null && key !== null && { cert, key }, ...passphrase !== null && { passphrase }, ...!isNamed && { checkServerIdentity: () => undefined } }
}

function json (text: string): unknown {
  try { return JSON.parse(text) } catch { return null }
}
